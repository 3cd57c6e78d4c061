"""The model card of a LoRA of several members: who is in it, by which trigger, and what was seen to bleed.

Pure: facts in, text out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from bootstrap.captions.relations import counted
from bootstrap.captions.wording import calling
from bootstrap.character import Character
from bootstrap.config import RunConfig
from bootstrap.dataset.bleed_of_members import Everyone, Likeness, bleed_in_words
from bootstrap.dataset.bundle_members import BundleMember
from bootstrap.export.card import front_matter, gallery, markdown_table, rights, settings_of
from bootstrap.export.card_use import ReleaseFiles, base_name, use_section
from bootstrap.export.markdown import code, plain
from bootstrap.export.usage import Usage, is_toy
from bootstrap.records import Adapter, Frame

__all__ = ["bundle_card", "previews_of_each"]

EACH = 4
"""Previews of a member."""


def previews_of_each(frames: Sequence[Frame]) -> list[Frame]:
    """The first previews of each member, as many of each, member by member."""
    groups: dict[str, list[Frame]] = defaultdict(list)
    for frame in sorted(frames, key=lambda frame: frame.job.id):
        groups[frame.job.id.rpartition("-")[0]].append(frame)
    found = []
    for group in groups.values():
        count = min(EACH, len(group))
        found += [group[number * len(group) // count] for number in range(count)]
    return found


def bundle_card(
    members: Sequence[BundleMember],
    likenesses: Sequence[Likeness],
    character: Character,
    config: RunConfig,
    adapter: Adapter,
    recipe: Mapping[str, Any],
    files: ReleaseFiles,
    architecture: str,
    ways: Sequence[Everyone] = (),
) -> str:
    """The card as Markdown. ``character`` is what the members are together, ``ways`` how they do in one picture."""
    usage = Usage.of(character, config, adapter, (job for _, job in files.previews))
    front = front_matter(character, config.base, files.previews, usage)
    front["instance_prompt"] = ", ".join(member.trigger for member in members)
    settings = markdown_table(("setting", "value"), settings_of(recipe))
    bleed = "\n".join(f"- {plain(text)}" for text in bleed_in_words(members, likenesses))
    parts = [
        f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---",
        f"# {plain(character.name)}",
        _opening(members, config),
        _table(members, config, {one.trigger: one for one in likenesses}),
        _in_one_picture(members, ways),
        gallery(files.previews),
        use_section(usage, config.base, files, architecture),
        f"""## How it was made

All members were trained together, from the base, in one training of {adapter.steps} steps; repeats and weights
let each be seen as often as the others. `provenance.csv` in the dataset names where each picture comes from.

{settings}""",
        f"## What of one turns up in another\n\nBy the scorers of the run, and by the captions.\n\n{bleed}",
        rights(character, config),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _opening(members: Sequence[BundleMember], config: RunConfig) -> str:
    """What it is."""
    base = config.base
    lines = [f"One LoRA of {len(members)} members for {code(base_name(base))}. Each has a trigger of its own."]
    if is_toy(base):
        lines.append("This base is the small test world that lora-bootstrap ships; the LoRA fits no other model.")
    if config.backend == "fake":
        lines.append("It comes from the fake backend, which trains no model: these weights draw nothing.")
    return " ".join(lines)


def _in_one_picture(members: Sequence[BundleMember], ways: Sequence[Everyone]) -> str:
    """How everyone is asked for in one prompt, and how well that does; "" for a bundle."""
    if not ways:
        return ""
    triggers = [member.trigger for member in members]
    core = counted([member.character.core for member in members])
    prompt = code(", ".join((*triggers, *core, "side by side")))
    lines = []
    for way in ways:
        bled = f"traits of another on {way.bled} of {way.read}" if way.read else "no trait could be read"
        lines.append(f"- by {way.name}: everyone in {way.together} of {way.drawn} pictures, {bled}")
    return "\n".join([f"## Everyone in one picture\n\nWrite {prompt}. As tried:\n", *lines])


def _table(members: Sequence[BundleMember], config: RunConfig, likenesses: Mapping[str, Likeness]) -> str:
    """The members: trigger, prompt, pictures, and how many of their pictures were most like them."""
    rows = []
    for member in members:
        words = ", ".join(calling(member.character, config.base.dialect))
        one = likenesses.get(member.trigger)
        told = f"{one.own} of {one.judged}" if one and one.judged else "not told"
        rows.append((member.name, member.character.kind, code(member.trigger), code(words), _pictures(member), told))
    head = ("member", "kind", "trigger", "prompt", "pictures", "drawn most like itself")
    lines = [" | ".join(map(str, cells)) for cells in (head, ["---"] * len(head), *rows)]
    return "## Members\n\n" + "\n".join(f"| {line} |" for line in lines)


def _pictures(member: BundleMember) -> int:
    return sum(item.kind in ("kept", "provisional") for item in member.items)
