"""The model card of a LoRA: front matter that model hubs read, then what a person asks before using it.

It names licence and credits of the seeds, and where the LoRA is weak. Pure: facts in, text out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bootstrap.backends.architectures import ARCHITECTURES
from bootstrap.backends.outside.drawer_settings import DrawerSettings
from bootstrap.captions.wording import calling, described
from bootstrap.character import Character
from bootstrap.config import EMBEDDED, BaseConfig, RunConfig
from bootstrap.export.licences import front_of
from bootstrap.export.markdown import code, plain
from bootstrap.lora.kinds import TITLES
from bootstrap.records import Adapter, Job

__all__ = ["ReleaseFiles", "card"]

SCALE = (
    "identity 0.5 is where its gate begins to let a picture in, control the share of what was asked for that is seen"
)
HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
SETTINGS = {
    "rank": "rank",
    "network_alpha": "network_alpha",
    "learning_rate": "learning rate",
    "optimizer": "optimizer",
    "lr_scheduler": "schedule",
    "batch_size": "batch",
    "min_snr_gamma": "min-SNR gamma",
    "noise_offset": "noise offset",
    "caption_dropout": "caption dropout",
    "tag_dropout": "tag dropout",
    "text_encoder": "text encoder trained",
    "random_seed": "random seed",
}
"""Settings of a recipe that the card's table shows, with their names there."""


@dataclass(frozen=True, slots=True)
class ReleaseFiles:
    """The files that a card names; ``diffusers`` is "" where diffusers cannot load this kind of LoRA.

    ``previews`` pairs a picture's file with the job it was drawn for; ``kind`` is "lora", "dora", "loha" or "lokr".
    ``weight`` is the one to draw with. ``plain`` is a plain LoRA that stands for another kind, ``plain_about`` its rank
    and error in words; ``misread`` is the error of a DoRA itself in ComfyUI and Forge, and ``is_nearer`` whether it is
    smaller there.
    """

    kohya: str
    diffusers: str
    previews: Sequence[tuple[str, Job]] = ()
    kind: str = "lora"
    plain: str = ""
    plain_about: str = ""
    misread: str = ""
    is_nearer: bool = True
    weight: float = 1.0

    @property
    def for_comfy(self) -> str:
        """The file that ComfyUI and Forge draw with most as it was trained."""
        return self.plain if self.plain and self.kind == "dora" and not self.is_nearer else self.kohya

    @property
    def for_a1111(self) -> str:
        """The file that A1111 and InvokeAI draw with most as it was trained."""
        return self.plain if self.plain and self.kind == "dora" else self.kohya


def card(
    character: Character,
    config: RunConfig,
    adapter: Adapter,
    recipe: Mapping[str, Any],
    facts: Mapping[str, Any],
    files: ReleaseFiles,
    architecture: str = "sd1",
) -> str:
    """The card as Markdown.

    ``facts`` are what `bootstrap.runs.status.status` returns for the run; ``architecture`` is the base's.
    """
    previews = files.previews
    parts = [
        f"---\n{yaml.safe_dump(_front(character, config.base, previews), sort_keys=False, allow_unicode=True)}---",
        f"# {plain(character.name)}",
        _opening(character, config.base),
        _gallery(previews),
        _use(character, config.base, files, architecture),
        _made(character, config, adapter, recipe, facts),
        _weak(facts),
        _rights(character, config),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front(character: Character, base: BaseConfig, previews: Sequence[tuple[str, Job]]) -> dict[str, Any]:
    """The front matter: what a hub reads."""
    widget = []
    for name, job in previews:
        parameters = {"negative_prompt": job.negative}
        widget.append({"text": job.prompt, "parameters": parameters, "output": {"url": name}})
    front: dict[str, Any] = {
        "tags": ["text-to-image", "stable-diffusion", "lora", "diffusers", "template:diffusion-lora"],
        "widget": widget,
        "base_model": _base_name(base),
        "base_model_relation": "adapter",
        "instance_prompt": ", ".join(described(character, base.dialect)),
        "pipeline_tag": "text-to-image",
        **front_of(character.license),
    }
    return {key: value for key, value in front.items() if value}


def _base_name(base: BaseConfig) -> str:
    """The base as the Hub knows it (owner/name) where the configuration says so, else its short name."""
    if HUB_NAME.fullmatch(base.path) and not Path(base.path).exists():
        return base.path
    return base.short_name


def _opening(character: Character, base: BaseConfig) -> str:
    """What it is, its trigger and its outfits."""
    lines = [f"A character LoRA for {code(_base_name(base))}."]
    if character.purpose:
        lines.append(f"Made for: {plain(character.purpose)}.")
    if base.path.startswith(EMBEDDED):
        lines.append("This base is the small test world that lora-bootstrap ships; the LoRA fits no other model.")
    parts = [" ".join(lines), f"**Trigger word:** {code(character.trigger)}"]
    if character.unique:
        unique = "\n".join(f"- {plain(part)}: {code(word)}" for part, word in character.unique.items())
        parts += ["Parts with a tag of their own, to call or to leave out:", unique]
    if character.style_switch:
        switch = code(", ".join(character.style_switch))
        parts.append(f"**Style switch:** {switch} draws in the style of the set; left out, it lets another style in.")
    if len(character.styles) > 1:
        styles = ", ".join(map(code, character.styles))
        parts.append(f"Drawn in several styles; name one of them: {styles}.")
    outfits = []
    for name, outfit in character.outfits.items():
        if tags := [tag for tag in (outfit.trigger, *outfit.tags) if tag]:
            outfits.append(f"- {plain(name)}: {code(', '.join(tags))}")
    if outfits:
        parts += ["Outfits, called by their tags:", "\n".join(outfits)]
    return "\n\n".join(parts)


def _gallery(previews: Sequence[tuple[str, Job]]) -> str:
    """The previews with their places; the prompts held the trigger and named no traits."""
    if not previews:
        return ""
    pictures = " ".join(f"![{plain(f'{job.shot.view_family}, {job.shot.framing}')}]({name})" for name, job in previews)
    return f"## Previews\n\nDrawn with this LoRA at weight 1.0, traits not named in the prompt.\n\n{pictures}"


def _use(character: Character, base: BaseConfig, files: ReleaseFiles, architecture: str) -> str:
    """How to load it in the usual programs."""
    comfy, a1111 = files.for_comfy, files.for_a1111
    return f"""## Use

- **ComfyUI**: put `{comfy}` into `models/loras`, load it with *Load LoRA* at strength {files.weight:g}, and write \
{code(", ".join(calling(character, base.dialect)))} into the prompt.
{_in_models_lora(", ".join(calling(character, base.dialect)), {"A1111": a1111, "Forge": comfy}, files.weight)}
- **diffusers**: {_script(character, base, files, architecture)}{_which_file(files)}"""


def _in_models_lora(prompt: str, files: Mapping[str, str], weight: float) -> str:
    """How to load it in the programs that have a folder models/Lora; in one item where they take one file."""
    items = []
    for file in dict.fromkeys(files.values()):
        programs = ", ".join(program for program, own in files.items() if own == file)
        items.append(f"""\
- **{programs}**: put `{file}`, with the `.json` and `.png` beside it, into `models/Lora`, and write \
{code(f"{prompt} <lora:{Path(file).stem}:{weight:g}>")}.""")
    return "\n".join(items)


def _which_file(files: ReleaseFiles) -> str:
    """Which file holds what, and for which programs; "" of a plain LoRA, which every program reads alike."""
    if files.kind == "lora":
        return ""
    title = TITLES[files.kind]
    said = f"`{files.kohya}` is a {title}."
    if files.kind == "dora":
        off = f" (relative error {files.misread})" if files.misread else ""
        said += f""" diffusers, with the file named above, and LyCORIS draw with it as it was trained.
ComfyUI and Forge divide by the lengths of the base's rows instead of the changed ones{off}, A1111 and InvokeAI by the
lengths of columns: there it draws something else."""
    if files.plain:
        programs = "A1111 and InvokeAI" if files.kind == "dora" else "diffusers"
        said += f"""

`{files.plain}` is a plain LoRA for {programs}, which every program reads in the same way: what the {title} changes in
the base, by SVD. {files.plain_about[:1].upper()}{files.plain_about[1:]}. A relative error is the length of the
difference, divided by that of the change."""
    elif files.kind == "dora":
        said += f"""

`bootstrap lora convert {files.kohya} plain.safetensors --plain --base BASE` makes a plain LoRA of it, which every \
program reads in the same way, and states its error."""
    return f"\n\n{said}"


def _script(character: Character, base: BaseConfig, files: ReleaseFiles, architecture: str) -> str:
    """A script that loads it with diffusers."""
    file = files.diffusers or files.plain
    if not file:
        return "it does not load this kind of LoRA; `bootstrap export RUN --format diffusers` multiplies it out."
    prompt = ", ".join(calling(character, base.dialect))
    shape, limits = base.sampling, ARCHITECTURES[architecture].limits
    words = f"{_literal(prompt)}, "
    if limits.takes_negative:
        negative = ", ".join(tag for tag in (base.negative, *character.negative, *character.forbidden) if tag)
        words += f"negative_prompt={_literal(negative)}, "
    lead, pipeline, load = _loading(base, architecture)
    return f"""

```python
{lead}from diffusers import {pipeline}

pipe = {pipeline}.{load}
pipe.load_lora_weights(".", weight_name="{file}")
image = pipe({words}guidance_scale={shape.guidance_scale + limits.no_guidance - 1:g},
             num_inference_steps={shape.steps}, width={shape.width}, height={shape.height}).images[0]
```"""


def _loading(base: BaseConfig, architecture: str) -> tuple[str, str, str]:
    """What a script imports besides diffusers, which pipeline it takes, and how it loads the base."""
    automatic = "AutoPipelineForText2Image"
    if base.path.startswith(EMBEDDED):
        return "from bootstrap.config import embedded\n", automatic, f'from_pretrained(embedded("{base.path}"))'
    if base.path.endswith(".safetensors"):  # the automatic one opens folders only
        return "", ARCHITECTURES[architecture].pipeline, f"from_single_file({_literal(_base_name(base))})"
    return "", automatic, f"from_pretrained({_literal(_base_name(base))})"


def _literal(text: str) -> str:
    """A text as a Python program writes it."""
    return json.dumps(text, ensure_ascii=False)


def _made(
    character: Character, config: RunConfig, adapter: Adapter, recipe: Mapping[str, Any], facts: Mapping[str, Any]
) -> str:
    """How it was made: seeds, rounds, settings."""
    seeds = f"{facts['seeds']} original picture{'' if facts['seeds'] == 1 else 's'}"
    extra = f" and {facts['provisional']} provisional ones" if facts["provisional"] else ""
    rounds = [(one["number"], one["phase"], _candidates(one), one["kept"]) for one in facts["rounds"]]
    settings = [(label, recipe[name]) for name, label in SETTINGS.items() if name in recipe]
    return f"""## How it was made

The only reference was {seeds} by the author. In each round a LoRA was trained from the base on what was kept so far;
pictures were generated with it and scored, and kept only where they beat look-alikes of the same view that are *not*
this character, in a test at the level {100 * config.loop.gate_level:g} % (the level of a test is no error rate). The
finished set has {facts["kept"]} kept pictures{extra}, all synthetic; `provenance.csv` in the dataset gives each one's
prompt, random seed, adapter, scores and verdict. {_originals(character, config, adapter)}

{_table(("round", "phase", "candidates", "kept"), rounds)}

These weights are `{adapter.id}` (round {adapter.round}, {adapter.phase} phase): {adapter.steps} steps, mean loss of the
last tenth {adapter.final_loss:.4f}.

{_table(("setting", "value"), settings)}"""


def _originals(character: Character, config: RunConfig, adapter: Adapter) -> str:
    """Whether originals are in the training set: who shares a LoRA should know."""
    if character.trains_seeds(adapter.phase):
        share = f"{100 * config.loop.seeds_share:g} %"
        return f"The originals, their crops and altered copies are trained on too, for up to {share} of the steps."
    if character.seeds_train == "never":
        return "No original picture was in any training set, of these weights or of earlier rounds."
    return "No original picture was in the training set of these weights; earlier rounds were trained on them."


def _candidates(one: Mapping[str, Any]) -> object:
    """How many candidates a round drew; "" while it is under way."""
    return (one["outcome"] or {}).get("candidates", "")


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = []
    for cells in (head, *rows):
        lines.append("| " + " | ".join(plain(str(cell)) for cell in cells) + " |")
    lines.insert(1, "| " + " | ".join(["---"] * len(head)) + " |")
    return "\n".join(lines)


def _weak(facts: Mapping[str, Any]) -> str:
    """What the LoRA was seen to do and not to do, and where the set is short of pictures, by view family."""
    lines = [_shortage(view_family, counts) for view_family, counts in facts["view_families"].items()]
    shortages = "\n".join(line for line in lines if line) or "Every view family reached its quota of kept pictures."
    tried = facts.get("acceptance")
    if not tried:
        return f"## Weaknesses\n\n{shortages}\n\nPoses, outfits and styles that are not in the set were never tried."
    parts = [f"## What it does and does not\n\nBy the run's own scorers, on pictures of no set; {SCALE}."]
    for name in ("strengths", "weaknesses"):
        if tried[name]:
            parts.append("\n".join(f"- {plain(text[:1].upper() + text[1:])}." for text in tried[name]))
    return "\n\n".join([*parts, f"## Weaknesses of the set\n\n{shortages}"])


def _shortage(view_family: str, counts: Mapping[str, Any]) -> str:
    """A line about a view family that is missing, short or provisional; "" for one that is complete."""
    kept, extra, quota = counts["kept"], counts["provisional"], counts["quota"]
    if not kept + extra:
        return f"- **{plain(view_family)}**: no picture in the set; the character may be lost from there."
    if not extra and (not quota or kept >= quota):
        return ""
    wanted = f" of {quota} wanted" if quota else ""
    unsure = f", {extra} provisional (not far enough above the look-alikes)" if extra else ""
    return f"- **{plain(view_family)}**: {kept} kept{wanted}{unsure}."


def _rights(character: Character, config: RunConfig) -> str:
    """The licence of the originals, of the base and of what drew the set, and what nobody promises."""
    base = config.base
    rights = code(character.license) if character.license else "not stated by the author: ask before you share this"
    credits = f" Credits: {plain(character.credits)}." if character.credits else ""
    of_base = "is not known to this card: see the page of the model"
    if base.license:
        of_base = f"is {code(base.license)}" + (f" ({base.license_link})" if base.license_link else "")
    of_drawers = "".join(_rights_of_drawer(one, config) for one in config.drawers)
    return f"""## Licence

Licence of the original pictures, which holds for everything made from them, this LoRA too: {rights}.{credits}

The licence of the base model {code(_base_name(base))} {of_base}. It holds as well for what is drawn with both.
{of_drawers}
## Disclaimer

The pictures of the set are synthetic, and a picture that this LoRA draws may resemble works or persons that the base
was trained on. It comes as it is, without any warranty; who draws with it answers for the pictures. Do not draw real
persons without their consent, nor what the law or either licence forbids."""


def _rights_of_drawer(drawer: DrawerSettings, config: RunConfig) -> str:
    """The licence of a drawer that is not the base, between blank lines."""
    license = code(drawer.license) if drawer.license else "not known to this card"
    link = f" ({drawer.license_link})" if drawer.license_link else ""
    trained = f" Of training with its pictures it says: {plain(drawer.outputs)}." if drawer.outputs else ""
    drawn = "Of the set, a part was drawn" if config.second is not None else "The set was drawn"
    return f"\n{drawn} by {code(drawer.title)}; its licence is {license}{link}.{trained}\n"
