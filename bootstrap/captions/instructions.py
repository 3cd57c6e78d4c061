"""Instructions: a shot in words for a drawer that is shown a reference, by the sentences of the drawer's preset.

Such a drawer knows no trigger: it is told what to make of the picture that it sees. Pure; knows no model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bootstrap.backends.outside.instruction_settings import ANY, NOTHING, PLACEHOLDER, CameraWords, InstructionSettings
from bootstrap.captions.prose import and_joined, articled
from bootstrap.captions.wording import Wording
from bootstrap.pictures.caption_text import caption_parts
from bootstrap.records import Shot

__all__ = ["Instructions"]

OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
"""A part of a sentence that is left out where a shot has nothing for it."""


@dataclass(frozen=True)
class Instructions:
    """Turns shots of one character into instructions; ``camera`` are the words of a camera LoRA that is loaded."""

    wording: Wording
    settings: InstructionSettings
    camera: CameraWords | None = None

    def prompt(self, shot: Shot, traits: Mapping[str, str]) -> str:
        """The instruction for a shot with the given identity tags (axis → tag)."""
        known = self._known(shot, traits)
        sentences = (_filled(sentence, known) for sentence in self.settings.sentences)
        return " ".join(sentence for sentence in sentences if sentence)

    def negative(self) -> str:
        """The negative prompt: the preset's, and what the character forbids."""
        return ", ".join(dict.fromkeys((*caption_parts(self.settings.negative), *self.wording.character.forbidden)))

    def _known(self, shot: Shot, traits: Mapping[str, str]) -> dict[str, str]:
        """Placeholder → what it stands for in this shot, "" for nothing."""
        varying = self.wording.varying(shot)
        known = {axis: self._words(axis, varying.get(axis, "")) for axis in self.settings.words}
        known["framing"] = self._words("framing", shot.framing)
        views = self.settings.words.get("view", {})
        known["view"] = views.get(shot.view, views.get(shot.view_family, varying.get("view", "")))
        known["subject"] = self._words("subject", ", ".join(self.wording.character.core))
        known["traits"] = and_joined(tuple(dict.fromkeys(traits.values())))
        clothes = self._clothes(shot, varying)
        usual = shot.axes.get(self.wording.subject.outfit_axis) in self._shown_outfits
        known |= {"clothes": clothes, "usual_clothes": "", "other_clothes": ""}
        known["usual_clothes" if usual else "other_clothes"] = clothes
        known["camera"] = self._camera(shot)
        return known

    @property
    def _shown_outfits(self) -> frozenset[str]:
        """The outfits that references show: those that character.json has of the seeds, else the first one."""
        character = self.wording.character
        written = {note.outfit for note in character.seeds if note.outfit}
        return frozenset(written or [next(iter(character.wardrobe))])

    def _words(self, axis: str, value: str) -> str:
        """What an instruction calls a value, which may be several tags."""
        words = self.settings.words.get(axis, {})
        named = [words.get(part, words.get(ANY, "{}").replace("{}", part)) for part in caption_parts(value)]
        found = [name for name in dict.fromkeys(named) if name] or [words.get(NOTHING, "")]
        return words.get(value, ", ".join(found))

    def _clothes(self, shot: Shot, varying: Mapping[str, str]) -> str:
        """The tags of the shot's outfit that can be seen, without its trigger, which the drawer does not know."""
        name = shot.axes.get(self.wording.subject.outfit_axis, "")
        if not name:
            return ""
        trigger = self.wording.character.wardrobe[name].trigger
        worn = [tag for axis, tag in self.wording.outfit(name).items() if varying.get(axis) == tag != trigger]
        return articled(tuple(dict.fromkeys(worn)))

    def _camera(self, shot: Shot) -> str:
        """The words of the camera LoRA for a shot; "" without one."""
        camera = self.camera
        if camera is None:
            return ""
        words = {"distance": camera.distance.get(shot.framing, camera.distance[ANY])}
        for name, table in (("azimuth", camera.azimuth), ("elevation", camera.elevation)):
            words[name] = table.get(shot.view, table.get(shot.view_family, table[ANY]))
        return PLACEHOLDER.sub(lambda found: words[found[1]], camera.template)


def _filled(sentence: str, known: Mapping[str, str]) -> str:
    """A sentence with its placeholders filled; "" where there is nothing for one outside square brackets."""
    sentence = OPTIONAL.sub(lambda part: part[1] if _has_all(part[1], known) else "", sentence)
    return PLACEHOLDER.sub(lambda found: known[found[1]], sentence) if _has_all(sentence, known) else ""


def _has_all(text: str, known: Mapping[str, str]) -> bool:
    return all(known.get(name) for name in PLACEHOLDER.findall(text))
