"""The model card of a LoRA: front matter that model hubs read, then what a person asks before using it.

It names licence and credits of the seeds, and where the LoRA is weak. Pure: facts in, text out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from bootstrap.backends.architectures import ARCHITECTURES
from bootstrap.backends.outside.drawer_settings import DrawerSettings
from bootstrap.captions.clip_tokens import CHUNK, clip_tokens, too_long
from bootstrap.captions.prose import articled
from bootstrap.captions.wording import described
from bootstrap.character import Character
from bootstrap.config import BaseConfig, RunConfig
from bootstrap.dataset.generated import names_identity
from bootstrap.export.card_use import ReleaseFiles, base_name, use_section
from bootstrap.export.licences import front_of
from bootstrap.export.markdown import code, plain
from bootstrap.export.usage import Usage, is_toy
from bootstrap.records import Adapter, Job, JobKind

__all__ = ["card", "front_matter", "gallery", "markdown_table", "rights", "settings_of"]

SCALE = (
    "identity 0.5 is where its gate begins to let a picture in, control the share of what was asked for that is seen"
)
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


def card(
    character: Character,
    config: RunConfig,
    adapter: Adapter,
    recipe: Mapping[str, Any],
    facts: Mapping[str, Any],
    files: ReleaseFiles,
    architecture: str = "sd1",
    captions: Sequence[str] = (),
) -> str:
    """The card as Markdown.

    ``facts`` are what `bootstrap.runs.status.status` returns for the run; ``architecture`` is the base's; ``captions``
    are those that it was trained on, as far as they are known.
    """
    usage = Usage.of(character, config, adapter, (job for _, job in files.previews))
    front = front_matter(character, config.base, files.previews, usage)
    parts = [
        f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---",
        f"# {plain(character.name)}",
        _opening(character, config),
        _called(config, adapter, usage),
        gallery(files.previews),
        use_section(usage, config.base, files, architecture),
        _made(character, config, adapter, recipe, facts),
        _lengths(config.base, architecture, usage, captions),
        _weak(facts, adapter, config.subject.called),
        rights(character, config),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def front_matter(
    character: Character, base: BaseConfig, previews: Sequence[tuple[str, Job]], usage: Usage
) -> dict[str, Any]:
    """The front matter: what a hub reads."""
    widget: list[dict[str, Any]] = []
    for name, job in previews:
        parameters = {"negative_prompt": job.negative}
        widget.append({"text": job.prompt, "parameters": parameters, "output": {"url": name}})
    if not widget:
        widget.append({"text": usage.prompt, "parameters": {"negative_prompt": usage.negative}})
    front: dict[str, Any] = {
        "tags": ["text-to-image", "stable-diffusion", "lora", "diffusers", "template:diffusion-lora"],
        "widget": widget,
        "base_model": base_name(base),
        "base_model_relation": "adapter",
        "instance_prompt": ", ".join(described(character, base.dialect)),
        "pipeline_tag": "text-to-image",
        **front_of(character.license),
    }
    return {key: value for key, value in front.items() if value}


def _opening(character: Character, config: RunConfig) -> str:
    """What it is, its trigger and its outfits."""
    base = config.base
    kind = articled((config.subject.called,))
    lines = [f"{kind[:1].upper()}{kind[1:]} LoRA for {code(base_name(base))}."]
    if character.purpose:
        lines.append(f"Made for: {plain(character.purpose)}.")
    if is_toy(base):
        lines.append("This base is the small test world that lora-bootstrap ships; the LoRA fits no other model.")
    if config.backend == "fake":
        lines.append("It comes from the fake backend, which trains no model: these weights draw nothing.")
    trigger = code(character.trigger) if character.trigger else "none"
    parts = [" ".join(lines), f"**Trigger word:** {trigger}", plain(config.subject.use)]
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
    return "\n\n".join(filter(None, parts))


def _called(config: RunConfig, adapter: Adapter, usage: Usage) -> str:
    """Whether the trigger alone draws the character, or which traits must be named, and which training it is of."""
    call, rare, called = code(usage.call), code(", ".join(usage.named)), config.subject.called
    said = f"The trigger stands for the traits: {call} draws the {called}."
    if not usage.trigger:
        said = "No word calls it: attached, it is in every picture, and its weight says how strongly."
    elif names_identity(config, adapter.phase):
        said = f"""The captions that it was trained on name every trait, so the trigger alone draws somebody else. \
Name the traits in every prompt: {call}."""
    elif usage.named:
        said = (
            f"The trigger stands for the traits, except for those that few pictures of the set show ({rare}): {call}."
        )
    if adapter.is_final:
        return said
    return f"""{said}

These are the weights of round {adapter.round}, from before the set was finished. `bootstrap export RUN` writes the \
finished LoRA, once there is one."""


def gallery(previews: Sequence[tuple[str, Job]]) -> str:
    """The previews with their places, and which traits their prompts named."""
    if not previews:
        return ""
    named = dict.fromkeys(tag for _, job in previews for tag in job.traits.values())
    words = f"these traits named in the prompt: {code(', '.join(named))}" if named else "traits not named in the prompt"
    pictures = " ".join(f"![{plain(f'{job.shot.view_family}, {job.shot.framing}')}]({name})" for name, job in previews)
    drawn = "Drawn"
    if any(job.kind is JobKind.CANDIDATE for _, job in previews):
        drawn = "The first of each view that were kept of what its round drew,"
    return f"## Previews\n\n{drawn} with this LoRA at weight 1.0, {words}.\n\n{pictures}"


def _made(
    character: Character, config: RunConfig, adapter: Adapter, recipe: Mapping[str, Any], facts: Mapping[str, Any]
) -> str:
    """How it was made: seeds, rounds, settings."""
    seeds = f"{facts['seeds']} original picture{'' if facts['seeds'] == 1 else 's'}"
    extra = f" and {facts['provisional']} provisional ones" if facts["provisional"] else ""
    rounds = [(one["number"], one["phase"], _candidates(one), one["kept"]) for one in facts["rounds"]]
    settings = settings_of(recipe)
    level = f"{100 * config.loop.gate_level:g} %"
    return f"""## How it was made

The only reference was {seeds} by the author. {_drawn(config)} They were scored, and kept only where they beat
look-alikes of the same view that are *not* this {config.subject.called}, in a test at the level {level}
(the level of a test is no error rate). The set of the run has {facts["kept"]} kept pictures{extra}, all synthetic;
`provenance.csv` in the dataset gives each one's prompt, random seed, adapter, scores and verdict.
{_originals(character, config, adapter)}

{markdown_table(("round", "phase", "candidates", "kept"), rounds)}

These weights are `{adapter.id}` (round {adapter.round}, {adapter.phase} phase): {adapter.steps} steps, mean loss of the
last tenth {adapter.final_loss:.4f}.

{markdown_table(("setting", "value"), settings)}"""


def settings_of(recipe: Mapping[str, Any]) -> list[tuple[str, object]]:
    """The settings of a recipe that cards show, by their names there."""
    return [(label, recipe[name]) for name, label in SETTINGS.items() if name in recipe]


def _lengths(base: BaseConfig, architecture: str, usage: Usage, captions: Sequence[str]) -> str:
    """Whether prompt or captions are longer than what CLIP sees at once; "" where another text encoder reads them."""
    if is_toy(base) or "clip_skip" in ARCHITECTURES[architecture].limits.without:
        return ""
    lines = []
    if (count := clip_tokens(usage.prompt)) > CHUNK:
        lines.append(
            f"The prompt above has {count} tokens of CLIP. User interfaces read it in chunks of {CHUNK}; diffusers cuts"
            " it there, and reads the first chunk alone."
        )
    if longer := too_long(captions, "captions that it was trained on"):
        lines.append(f"Here {longer}. They were trained on whole, chunk by chunk.")
    return "\n\n".join(lines)


def _drawn(config: RunConfig) -> str:
    """What drew the pictures of the rounds."""
    if config.trains_to_draw:
        return (
            "In each round a LoRA was trained from the base on what was kept so far, and pictures were drawn with it."
        )
    return "Pictures were drawn from it without a LoRA, which was trained on what was kept."


def _originals(character: Character, config: RunConfig, adapter: Adapter) -> str:
    """Whether originals are in the training set: who shares a LoRA should know."""
    if adapter.of_seeds:
        return "These weights were trained on the originals alone: those of the whole set drew the same test no better."
    if character.trains_seeds(adapter.phase):
        share = f"{100 * config.loop.seeds_share:g} %"
        return f"The originals, their crops and altered copies are trained on too, for up to {share} of the steps."
    if character.seeds_train == "never":
        return "No original picture was in any training set, of these weights or of earlier rounds."
    return "No original picture was in the training set of these weights; earlier rounds were trained on them."


def _candidates(one: Mapping[str, Any]) -> object:
    """How many candidates a round drew; "" while it is under way."""
    return (one["outcome"] or {}).get("candidates", "")


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = []
    for cells in (head, *rows):
        lines.append("| " + " | ".join(plain(str(cell)) for cell in cells) + " |")
    lines.insert(1, "| " + " | ".join(["---"] * len(head)) + " |")
    return "\n".join(lines)


def _weak(facts: Mapping[str, Any], adapter: Adapter, called: str) -> str:
    """What the LoRA was seen to do and not to do, and where the set is short of pictures, by view family."""
    lines = [_shortage(view_family, counts, called) for view_family, counts in facts["view_families"].items()]
    shortages = "\n".join(line for line in lines if line) or "Every view family reached its quota of kept pictures."
    tried = facts.get("acceptance")
    if not tried or tried["adapter"] != adapter.id:
        return f"## Weaknesses\n\n{shortages}\n\nPoses, outfits and styles that are not in the set were never tried."
    parts = [f"## What it does and does not\n\nBy the run's own scorers, on pictures of no set; {SCALE}."]
    for name in ("strengths", "weaknesses"):
        if tried[name]:
            parts.append("\n".join(f"- {plain(text[:1].upper() + text[1:])}." for text in tried[name]))
    return "\n\n".join([*parts, f"## Weaknesses of the set\n\n{shortages}"])


def _shortage(view_family: str, counts: Mapping[str, Any], called: str) -> str:
    """A line about a view family that is missing, short or provisional; "" for one that is complete."""
    kept, extra, quota = counts["kept"], counts["provisional"], counts["quota"]
    if not kept + extra:
        return f"- **{plain(view_family)}**: no picture in the set; the {called} may be lost from there."
    if not extra and (not quota or kept >= quota):
        return ""
    wanted = f" of {quota} wanted" if quota else ""
    unsure = f", {extra} provisional (not far enough above the look-alikes)" if extra else ""
    return f"- **{plain(view_family)}**: {kept} kept{wanted}{unsure}."


def rights(character: Character, config: RunConfig) -> str:
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

The licence of the base model {code(base_name(base))} {of_base}. It holds as well for what is drawn with both.
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
