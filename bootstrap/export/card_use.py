"""The part of a model card that says how to use the LoRA: which file for which program, which words, which weight.

It names only files that lie beside the card. A LoRA of the embedded base is told to diffusers alone, because no other
program has that base. Pure: facts in, text out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap.backends.architectures import ARCHITECTURES
from bootstrap.backends.parameters import literal
from bootstrap.backends.samplers import scheduler_named
from bootstrap.config import EMBEDDED, BaseConfig
from bootstrap.export.comfyui_graph import typed
from bootstrap.export.markdown import code
from bootstrap.export.usage import Usage, is_toy
from bootstrap.lora.kinds import TITLES
from bootstrap.records import Job

__all__ = ["ReleaseFiles", "base_name", "use_section"]

HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True, slots=True)
class ReleaseFiles:
    """The files that lie beside a card; "" for one that does not.

    ``diffusers`` is "" where diffusers cannot load this kind of LoRA, too. ``previews`` pairs a picture's file with the
    job it was drawn for; ``kind`` is "lora", "dora", "loha" or "lokr". ``weight`` is the one to draw with, and
    ``weight_from`` says in words what found it; ``graph`` is a workflow that ComfyUI's window opens. ``plain`` is a
    plain LoRA that stands for another kind, ``plain_about`` its rank and error in words; ``misread`` is the error of a
    DoRA itself in ComfyUI and Forge, and ``is_nearer`` whether it is smaller there.
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
    weight_from: str = ""
    graph: str = ""

    @property
    def for_comfy(self) -> str:
        """The file that ComfyUI and Forge draw with most as it was trained."""
        return self.plain if self.plain and self.kind == "dora" and not self.is_nearer else self.kohya

    @property
    def for_a1111(self) -> str:
        """The file that A1111 and InvokeAI draw with most as it was trained."""
        return self.plain if self.plain and self.kind == "dora" else self.kohya

    @property
    def for_diffusers(self) -> str:
        """The file that diffusers loads; it reads a plain LoRA in kohya's names as well as in its own."""
        own = self.kohya if self.kind == "lora" else ""
        return self.diffusers or self.plain or own


def base_name(base: BaseConfig) -> str:
    """The base as the Hub knows it (owner/name) where the configuration says so, else its short name."""
    return base.path if _is_on_hub(base) else base.short_name


def _is_on_hub(base: BaseConfig) -> bool:
    return bool(HUB_NAME.fullmatch(base.path)) and not Path(base.path).exists()


def use_section(usage: Usage, base: BaseConfig, files: ReleaseFiles, architecture: str) -> str:
    """How to load it in the usual programs."""
    weight = (
        f"**Recommended weight:** {files.weight:g}, {files.weight_from or 'as it was trained; no other was tried'}."
    )
    script = _script(usage, base, files, architecture)
    if is_toy(base):
        return f"## Use\n\n{weight}\n\nWith diffusers, where lora-bootstrap is installed:{script}"
    if not files.kohya:
        others = "- **ComfyUI, A1111, Forge, InvokeAI**: `bootstrap export RUN` writes the file that they load."
    else:
        comfy, a1111 = files.for_comfy, files.for_a1111
        others = f"""\
- **ComfyUI**: put `{comfy}` into `models/loras`{_by_graph(files)}, load it with *Load LoRA* at strength \
{files.weight:g}, and write {code(typed(usage.prompt))} into the prompt.
{_in_models_lora(literal(usage.prompt), {"A1111": a1111, "Forge": comfy}, files)}"""
    return f"""## Use

{weight}

{others}
- **diffusers**:{script}{_which_file(files)}"""


def _by_graph(files: ReleaseFiles) -> str:
    """How to open the workflow, where there is one."""
    if not files.graph:
        return ""
    return f""" and drag `{files.graph}` onto the window: LoRA, weight, prompt and sampling are filled in, and \
in *Load Checkpoint* you choose your copy of the base. Or, in a workflow of yours"""


def _in_models_lora(prompt: str, by_program: Mapping[str, str], files: ReleaseFiles) -> str:
    """How to load it in the programs that have a folder models/Lora; in one item where they take one file."""
    items = []
    beside = "`.json` and `.png`" if files.previews else "`.json`"
    for file in dict.fromkeys(by_program.values()):
        programs = ", ".join(program for program, own in by_program.items() if own == file)
        items.append(f"""\
- **{programs}**: put `{file}`, with the {beside} beside it, into `models/Lora`, and write \
{code(f"{prompt} <lora:{Path(file).stem}:{files.weight:g}>")}.""")
    return "\n".join(items)


def _which_file(files: ReleaseFiles) -> str:
    """Which file holds what, and for which programs; "" of a plain LoRA, which every program reads alike."""
    if files.kind == "lora" or not files.kohya:
        return ""
    title = TITLES[files.kind]
    said = f"`{files.kohya}` is a {title}."
    if files.kind == "dora":
        off = f" (relative error {files.misread})" if files.misread else ""
        own = f"diffusers, with `{files.diffusers}`, and LyCORIS draw" if files.diffusers else "LyCORIS draws"
        said += f""" {own} with it as it was trained.
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


def _script(usage: Usage, base: BaseConfig, files: ReleaseFiles, architecture: str) -> str:
    """A script that loads it with diffusers, and draws as this program does; begins with what follows a colon."""
    file = files.for_diffusers
    if not file:
        return " `bootstrap export RUN --format diffusers` writes the file that it loads."
    shape, limits = base.sampling, ARCHITECTURES[architecture].limits
    words = [f"prompt={_literal(usage.prompt)}"]  # by name: a pipeline may take pictures first
    if limits.takes_negative:
        words.append(f"negative_prompt={_literal(usage.negative)}")
    guidance = f"guidance_scale={shape.guidance_scale + limits.no_guidance - 1:g}"
    sizes = [guidance, f"num_inference_steps={shape.steps}", f"width={shape.width}", f"height={shape.height}"]
    skipping = _skipping(shape.clip_skip or 0, architecture)
    if shape.clip_skip and not skipping and "clip_skip" not in limits.without:
        sizes.append(f"clip_skip={shape.clip_skip}")
    if shape.guidance_rescale:
        sizes.append(f"guidance_rescale={shape.guidance_rescale:g}")
    sampler, changes = _sampler(base, architecture)
    lines, pipeline, load = _loading(base, architecture)
    scale = "" if files.weight == 1 else f'\npipe.set_adapters("lora", {files.weight:g})'
    arguments = ",\n    ".join([*words, ", ".join(sizes)])
    imported = ", ".join(sorted(filter(None, (pipeline, sampler))))
    return f"""

```python
{lines}from diffusers import {imported}

pipe = {pipeline}.{load}{changes}
pipe.load_lora_weights(".", weight_name="{file}", adapter_name="lora"){scale}{skipping}
image = pipe(
    {arguments},
).images[0]
image.save("picture.png")
```"""


def _skipping(layers: int, architecture: str) -> str:
    """Lines that leave out layers of the one text encoder of Stable Diffusion; "" for others, whose pipeline can.

    Its own ``clip_skip`` looks for a part that transformers from 5.6 on does not have.
    """
    if not layers or len(ARCHITECTURES[architecture].text_encoders) > 1:
        return ""
    return f"""
text = getattr(pipe.text_encoder, "text_model", pipe.text_encoder)
text.encoder.layers = text.encoder.layers[:-{layers}]  # user interfaces call it clip skip {layers + 1}"""


def _sampler(base: BaseConfig, architecture: str) -> tuple[str, str]:
    """The class of diffusers that samples, and the line that sets it; "" where the pipeline's own is the only one."""
    if ARCHITECTURES[architecture].limits.schedulers:
        return "", ""
    shape = base.sampling
    name, changes = scheduler_named(shape, ends_in_noise=bool(shape.zero_terminal_snr))
    if shape.zero_terminal_snr is not None:
        changes["rescale_betas_zero_snr"] = shape.zero_terminal_snr
    further = "".join(f", {key}={value!r}" for key, value in changes.items())
    return name, f"\npipe.scheduler = {name}.from_config(pipe.scheduler.config{further})"


def _loading(base: BaseConfig, architecture: str) -> tuple[str, str, str]:
    """What a script imports besides diffusers, which pipeline it takes, and how it loads the base."""
    automatic = "AutoPipelineForText2Image"
    if base.path.startswith(EMBEDDED):
        return "from bootstrap.config import embedded\n", automatic, f'from_pretrained(embedded("{base.path}"))'
    own = "" if _is_on_hub(base) else "  # the path of your copy"
    if base.path.endswith(".safetensors"):  # the automatic one opens folders only
        pipeline = ARCHITECTURES[architecture].pipeline
        return "", pipeline, f"from_single_file({_literal(base_name(base))}){own}"
    return "", automatic, f"from_pretrained({_literal(base_name(base))}){own}"


def _literal(text: str) -> str:
    """A text as a Python program writes it."""
    return json.dumps(text, ensure_ascii=False)
