"""A stand-in for a model that reads pictures: it answers from the puppets' truth, with errors at a rate."""

import re

import numpy as np

from bootstrap.config import load
from bootstrap.puppets.captions import is_seen, tags
from bootstrap.readers import Reply
from scoring.measurement import digest_of

WORDS = {axis: tuple(words) for axis, words in load("puppet").panel.vocabulary.items()}
WORN = ("hat", "accessory", "top", "bottom")
BODY = ("hair_color", "hair_style", "eye_color", "ears", "tail", "skin")


class PuppetReader:
    """``errors`` is the share of its traits that are another word of their axis. It knows the pictures of ``add``."""

    def __init__(self, errors=0.0, number=0):
        self.errors, self._rng, self._truth, self._said = errors, np.random.default_rng(number), {}, {}
        self.asked = []
        self.lettering = ""

    def add(self, image, puppet, shot):
        """A picture that it will be shown."""
        truth = {axis: tag for axis, tag in tags(puppet, shot).items() if tag and is_seen(axis, tag, shot)}
        self._truth[digest_of(image)] = truth
        return image

    def truth(self, image):
        """Axis → the word that a picture shows."""
        return self._truth[digest_of(image)]

    def told(self, image):
        """Axis → the word that it said of a picture."""
        return self._said[digest_of(image)]

    def ask(self, question):
        self.asked.append(question)
        (image,) = question.pictures
        truth = self._truth.get(digest_of(image)) or next(iter(self._truth.values()))
        value = getattr(self, f"_{question.instruction}")(truth, question, digest_of(image))
        return Reply(value, "stand-in", "0" * 64, (digest_of(image),), str(value), 1, None if value else "no value")

    def _describe(self, truth, question, digest):
        traits = []
        for axis in (*BODY, *WORN):
            if axis not in truth:
                continue
            words = truth[axis]
            if self._rng.random() < self.errors:
                words = str(self._rng.choice([word for word in WORDS[axis] if word != words]))
            self._said.setdefault(digest, {})[axis] = words
            traits.append({"part": axis, "words": words, "worn": axis in WORN, "line": 0, "sure": "certain"})
        return {"person": "girl", "lettering": self.lettering, "traits": traits}

    def _confirm(self, truth, question, digest):
        listed = re.findall(r"^(\d+)\. (.*)$", question.fill["statements"], re.MULTILINE)
        answers = []
        for number, words in listed:
            shown = (words in truth.values()) != (self._rng.random() < self.errors)
            answers.append({"number": int(number), "shown": "yes" if shown else "no"})
        return {"answers": answers}
