"""A scorer is one file and one line of a table: this file defines one, and runs on the fake backend use it."""

from typing import Literal

import numpy as np
import pytest

from bootstrap.cli import main
from bootstrap.config import stored_config
from bootstrap.records import VerdictKind
from bootstrap.store.store import Store
from scoring import SCORERS
from scoring.measurement import Measurement
from scoring.settings import Role, ScorerSettings


class WarmthSettings(ScorerSettings):
    """How red a picture must be."""

    kind: Literal["warmth"] = "warmth"
    role: Role = "check"
    least: float = 0.0
    """Red minus blue of the middle, 0..1, from which on a picture passes."""


class Warmth:
    """Red minus blue in the middle of a picture, beyond ``least``."""

    Settings = WarmthSettings

    def __init__(self, name, least):
        self.name, self.least, self.fingerprint = name, least, f"warmth:{least}"

    @classmethod
    def make(cls, name, settings, materials):
        return cls(name, settings.least)

    def score(self, pictures):
        answers = []
        for picture in pictures:
            pixels = np.asarray(picture.image.resize((3, 3)), float)[1, 1] / 255
            value = float(pixels[0] - pixels[2]) - self.least
            answers.append(Measurement(value, "too cold" if value < 0 else ""))
        return answers


@pytest.fixture
def played(tiny, tmp_path, monkeypatch, capsys):
    """Play a tiny run whose panel has the scorer with these settings; its folder."""
    monkeypatch.setitem(SCORERS, "warmth", Warmth)

    def run(**settings):
        entry = ", ".join(f"{key}: {value}" for key, value in settings.items())
        with pytest.raises(SystemExit) as ended:
            main(["run", *tiny, "--set", f"panel.scorers.warmth={{{entry}}}", "--out", str(tmp_path / "run")])
        assert not ended.value.code, capsys.readouterr().err
        return tmp_path / "run"

    return run


def test_as_a_check_it_rejects_and_is_in_the_store_and_the_report(played):
    out = played(least=0.1)
    with Store.open(out, exclusive=False) as store:
        measured, verdicts = store.measurements(), store.verdicts()
        assert stored_config(store.recall("config")).panel.roles["warmth"] == "check"
        kept = {frame.job.id for frame in store.kept()}
    assert all("warmth" in row for row in measured.values())
    cold = {id for id in verdicts if measured[id]["warmth"].value < 0}
    assert cold
    assert all(verdicts[id].kind is VerdictKind.REJECT for id in cold)
    assert any("warmth: too cold" in verdicts[id].reasons for id in cold)
    assert kept
    assert kept
    assert not kept & cold
    assert "warmth" in (out / "report.html").read_text()


def test_as_identity_it_is_ranked_against_the_decoys(played):
    out = played(kind="warmth", role="identity")
    with Store.open(out, exclusive=False) as store:
        measured, verdicts = store.measurements(), store.verdicts()
        assert stored_config(store.recall("config")).panel.roles["warmth"] == "identity"
    assert all(row["warmth"].applicable for row in measured.values())
    ranked_by = {verdict.reasons[-1].rpartition(": ")[2] for verdict in verdicts.values() if verdict.p is not None}
    assert "warmth" in ranked_by
    assert ranked_by <= {"clip", "warmth"}
