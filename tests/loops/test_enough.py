"""No further round is played once the LoRA of a round holds below its full weight."""

from types import SimpleNamespace

import pytest

from bootstrap.cli import main
from bootstrap.config import LoopConfig, load
from bootstrap.errors import BackendError
from bootstrap.records import Adapter, Frame, Job, JobKind, Round, RoundOutcome, Shot, Verdict, VerdictKind
from bootstrap.shots import quotas
from bootstrap.store.decisions import WeightHeld
from bootstrap.store.store import Store
from loops.archive import Archive
from loops.enough import holds, is_enough
from scoring.trials import Drawn, Trial

VIEWS = load("puppet").views


def test_the_rounds_end_when_the_lora_holds(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("loops.enough.HOLDS", 0.0)
    asked = [
        "loop.target=9", "loop.goals=[8]", "loop.enough_at=0.8", "loop.acceptance.weights=[]", "loop.showcase=0",
        "loop.final_candidates=1",
    ]  # fmt: skip
    words = [word for setting in asked for word in ("--set", setting)]
    with pytest.raises(SystemExit) as ended:
        main(["run", *tiny, *words, "--out", str(tmp_path / "run")])
    said = " ".join(capsys.readouterr().err.split())
    assert not ended.value.code, said
    assert 'at weight 0.8 the LoRA "r01-style" holds' in said
    with Store.open(tmp_path / "run", exclusive=False) as store:
        assert len(store.rounds()) == 1
        assert store.decisions(WeightHeld) == [WeightHeld(1, 0.8, held=True)]
        tried = store.frames(kind=JobKind.ACCEPTANCE)
    assert {frame.adapter for frame in tried} == {"r01-style@0.8", ""}
    assert len(tried) == 24, "two pictures of each view family by the LoRA, and as many by the base"


def test_what_cannot_be_lowered_is_told_and_is_not_enough(monkeypatch):
    notes, asked = [], LoopConfig(enough_at=0.8)
    adapter = Adapter("r01-style", "style", 1, "a.safetensors", "", 10, 0.1)
    last = Round(1, "style", 4, RoundOutcome(1, 1, 9, None, 0.0, None))
    store = SimpleNamespace(decided=lambda kind, **key: None)
    engine = SimpleNamespace(
        config=SimpleNamespace(loop=asked, views=VIEWS), store=store, adapter=lambda id: adapter, note=notes.append
    )
    engine.places = lambda goal: {}

    def attached(engine, weights):
        raise BackendError("a DoRA cannot be blended", "")

    monkeypatch.setattr("loops.enough.blend_of", lambda *given: "blend")
    monkeypatch.setattr("loops.blends.attached", attached)
    assert not is_enough(engine, Archive(rounds=[last]))
    assert notes == ['the LoRA "r01-style" is not tried at weight 0.8: a DoRA cannot be blended']


def test_a_set_without_one_of_its_views_is_never_enough():
    """Also where the LoRA held already."""
    notes, last = [], Round(1, "style", 12, RoundOutcome(1, 1, 9, None, 0.0, None))
    engine = SimpleNamespace(
        config=SimpleNamespace(loop=LoopConfig(enough_at=0.8), views=VIEWS),
        store=SimpleNamespace(decided=lambda kind, **key: WeightHeld(1, 0.8, held=True)),
        adapter=lambda id: Adapter(id, "style", 1, "a.safetensors", "", 10, 0.1),
        places=lambda goal: quotas(goal, VIEWS),
        note=notes.append,
    )

    def kept(*without):
        shots = [
            Shot(name, view, "portrait") for name, plan in VIEWS.families.items() for view in plan.views
            if view not in without
        ]  # fmt: skip
        jobs = [Job(shot.view, JobKind.CANDIDATE, 1, 1, shot, "", "", 1, {}) for shot in shots]
        verdicts = {job.id: Verdict(job.id, VerdictKind.KEEP, "gate", ()) for job in jobs}
        return Archive(rounds=[last], frames=[Frame(job, "", "", "") for job in jobs], verdicts=verdicts)

    assert not is_enough(engine, kept("behind", "profile-left"))
    assert notes == [
        'round 1: the set goes on growing: no kept picture shows "from side, facing left" or "from behind"'
    ]
    assert is_enough(engine, kept())


@pytest.mark.parametrize(("identity", "obeyed", "held"), [(4.0, True, True), (1.0, True, False), (4.0, False, False)])
def test_it_holds_where_it_is_alike_and_obeys_as_the_base(identity, obeyed, held):
    base = Trial((Drawn(0.0, (True, True), False),) * 4)
    assert holds(Trial((Drawn(identity, (True, obeyed), False),) * 4), base) is held
