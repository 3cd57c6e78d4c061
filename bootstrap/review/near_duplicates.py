"""Pairs of pictures that nearly repeat each other: of the set, and those that the gate left out for it.

Pictures are compared by a perceptual hash of 64 bits, each read once. Reads a store; decides nothing and knows no
request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from threading import Lock
from typing import Any

from bootstrap.config import stored_config
from bootstrap.errors import ConfigError, StoreError
from bootstrap.pictures import square
from bootstrap.records import TAKEN, Frame, JobKind, Verdict
from bootstrap.store.store import Store
from scoring.duplicates import BITS, bits_apart, difference_hash

__all__ = ["ALIKE", "NearDuplicates"]

ALIKE = 8
"""Bits of 64 in which a pair differs at most: more than the gate takes (`panel.duplicate_bits`): a person looks."""
TWIN = re.compile(r"near-duplicate of (\S+)")
MOST_PAIRS = 100


class NearDuplicates:
    """The pairs of an open run."""

    def __init__(self, store: Store) -> None:
        """Compare the pictures of ``store``."""
        self._store, self._lock = store, Lock()
        self._hashes: dict[str, int | None] = {}

    def pairs(self) -> list[dict[str, Any]]:
        """The most alike first: ids as "one" (drawn earlier) and "other", and in how many "bits" of 64 they differ.

        At most 100; a picture whose file is lost is in none.
        """
        candidates, verdicts = self._store.frames(kind=JobKind.CANDIDATE), self._store.verdicts()
        taken = [one for one in candidates if one.job.id in verdicts and verdicts[one.job.id].kind in TAKEN]
        left_out, found = _left_out(candidates, verdicts), set()
        for pairs, most in ((combinations(taken, 2), ALIKE), (left_out, BITS)):
            for one, other in pairs:
                hashes = self._hash(one), self._hash(other)
                if hashes[0] is not None and hashes[1] is not None:
                    bits = bits_apart(hashes[0], hashes[1])
                    if bits <= most:
                        found.add((bits, one.job.id, other.job.id))
        return [{"one": one, "other": other, "bits": bits} for bits, one, other in sorted(found)[:MOST_PAIRS]]

    def gate_bits(self) -> int | None:
        """The bits up to which the gate takes one of a pair only; None where the configuration cannot be read."""
        try:
            return stored_config(self._store.recall("config")).panel.duplicate_bits
        except ConfigError:
            return None

    def _hash(self, frame: Frame) -> int | None:
        """The hash of a picture, as the gate takes it; None where the file is lost."""
        with self._lock:
            if frame.digest not in self._hashes:
                try:
                    self._hashes[frame.digest] = difference_hash(square(self._store.frame_image(frame)))
                except StoreError:
                    self._hashes[frame.digest] = None
            return self._hashes[frame.digest]


def _left_out(candidates: Sequence[Frame], verdicts: Mapping[str, Verdict]) -> list[tuple[Frame, Frame]]:
    """(the one in the set, the one that the gate left out for it) by the gate's own reasons."""
    by_id = {frame.job.id: frame for frame in candidates}
    found = []
    for frame in candidates:
        verdict = verdicts.get(frame.job.id)
        for reason in verdict.reasons if verdict and verdict.by == "gate" else ():
            twin = TWIN.fullmatch(reason)
            if twin and twin[1] in by_id:
                found.append((by_id[twin[1]], frame))
    return found
