"""What limits a choice in the story, and what becomes of frames that are past the gate and not chosen."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.records import Frame, Job, JobKind, Shot, Verdict, VerdictKind
from bootstrap.shots import Planner, quotas
from loops import choose as room
from loops.finish import fill, set_aside
from scoring.base import Measurement
from scoring.calibrate import Ranked

CONFIG = load("puppet", backend="fake")
PLAIN = "neutral expression"


def character(*expressions, backgrounds=("forest",), **facts):
    given = {"name": "M", "trigger": "mchr", "invariant": {"hair": "red hair"}, "poses": ["standing"], **facts}
    return Character(expressions=expressions, backgrounds=backgrounds, **given)


def shown(id, angle, expression="smile", view_family="front", prompt="", background="forest", outfit="default"):
    """A frame whose look is an angle."""
    shot = Shot(
        view_family,
        view_family,
        "portrait",
        {
            "expression": expression,
            "pose": "standing",
            "outfit": outfit,
            "background": background,
            "style": "cel shading",
        },
    )
    return Frame(Job(id, JobKind.CANDIDATE, 1, 1, shot, prompt or id, "", 1, {}), f"{angle}", id, "a")


def looks(frame, store):
    turn = np.radians(float(frame.path))
    return np.array([np.cos(turn), np.sin(turn)], np.float32), None


@pytest.fixture
def engine():
    """As much of an engine as choosing asks for; nothing is kept yet."""
    person = character("smile", PLAIN)
    return SimpleNamespace(
        config=CONFIG,
        planner=Planner(person, CONFIG.views, CONFIG.subject),
        judges=SimpleNamespace(looks=looks, seed_looks=[]),
        store=SimpleNamespace(),
        usable_keeps=list,
    )


def cast(engine, person):
    engine.planner = Planner(person, CONFIG.views, CONFIG.subject)


def chosen(engine, frames, places):
    ranks = {f.job.id: Ranked(5.0, 0.01, "clip", ("clip",)) for f in frames}
    return room._picks(engine, frames, ranks, places)


def test_neutral_expressions_take_at_most_their_share(engine):
    frames = [shown(f"f{n:02d}", 8 * n, PLAIN) for n in range(20)]
    picks, left = chosen(engine, frames, {("front", "portrait"): 20})
    assert len(picks) == 7  # 35 % of 20
    assert set(left.values()) == {(VerdictKind.UNDECIDED, "passes; neutral expression is full: 7")}


def test_a_face_that_nobody_sees_is_not_neutral(engine):
    frames = [shown(f"f{n:02d}", 8 * n, PLAIN, "behind") for n in range(20)]
    assert len(chosen(engine, frames, {("behind", "portrait"): 20})[0]) == 20


def test_a_character_who_is_always_neutral_has_no_limit(engine):
    cast(engine, character(PLAIN))
    frames = [shown(f"f{n:02d}", 8 * n, PLAIN) for n in range(20)]
    assert len(chosen(engine, frames, {("front", "portrait"): 20})[0]) == 20


def test_a_set_does_not_collapse_on_one_background(engine):
    cast(engine, character("smile", backgrounds=("forest", "beach", "night", "room")))
    frames = [shown(f"f{n:02d}", 4 * n) for n in range(20)]
    frames += [shown(f"o{n}", 100 + 4 * n, background="beach") for n in range(3)]
    picks, left = chosen(engine, frames, {("front", "portrait"): 20})
    assert {id for id in picks if id.startswith("o")} == {"o0", "o1", "o2"}
    assert len(picks) == 3 + 13  # a quarter, and half of the other three
    assert set(left.values()) == {(VerdictKind.UNDECIDED, "passes; forest is full: 13")}
    assert all(reason.startswith("fills front/portrait") for reason in picks.values())


def test_few_candidates_of_one_kind_are_all_taken(engine):
    cast(engine, character("smile", backgrounds=("forest", "beach", "night", "room")))
    frames = [shown(f"f{n:02d}", 8 * n) for n in range(6)]
    assert len(chosen(engine, frames, {("front", "portrait"): 20})[0]) == 6


def test_outfits_get_their_shares_before_likeness_and_diversity(engine):
    cast(engine, character("smile", outfits={"default": {"tags": "shirt", "share": 0.25}, "suit": {"tags": "suit"}}))
    frames = [shown(f"d{n}", 20 * n) for n in range(4)] + [shown(f"s{n}", n + 41, outfit="suit") for n in range(4)]
    engine.config = load("puppet", overrides=["panel.duplicate_bits=0", "panel.duplicate_cosine=1"])
    picks, _ = chosen(engine, frames, {("front", "portrait"): 4})
    assert sorted(id[0] for id in picks) == ["d", "s", "s", "s"]


def test_what_nobody_sees_counts_for_no_share(engine):
    cast(engine, character("smile", "frown", PLAIN))
    limits = room.guides_of(engine, {("behind", "portrait"): 10, ("front", "portrait"): 4})
    targets = {quota.label: quota.target for quota in limits}
    assert targets["smile"] + targets["frown"] + targets[PLAIN] == 4
    assert targets["forest"] == 14
    assert "expression" not in room.as_candidate(engine, shown("b", 0, view_family="behind"), 0.0).axes


def test_frames_that_look_like_a_seed_come_last(engine):
    engine.judges.seed_looks = [looks(shown("seed", 0), None)[0]]
    frames = [shown("a", 5), shown("b", 80)]
    assert list(chosen(engine, frames, {("front", "portrait"): 1})[0]) == ["b"]


@pytest.mark.parametrize(("enough", "first"), [(0.9, "b"), (0.0, "a")])
def test_how_much_diversity_is_enough_is_a_setting(engine, enough, first):
    engine.config = load("puppet", overrides=[f"loop.diverse_enough={enough}"])
    engine.judges.seed_looks = [looks(shown("seed", 0), None)[0]]
    ranks = {id: Ranked(score, 0.01, "clip", ("clip",)) for id, score in (("a", 9.0), ("b", 5.0))}
    picks, _ = room._picks(engine, [shown("a", 20), shown("b", 80)], ranks, {("front", "portrait"): 1})
    assert list(picks) == [first]


def test_too_close_to_a_kept_frame_is_a_reject_and_says_to_which(engine):
    engine.config = load("puppet", overrides=["panel.duplicate_bits=0"])
    picks, left = chosen(engine, [shown("a", 0), shown("b", 1)], {("front", "portrait"): 4})
    assert list(picks) == ["a"]
    assert left == {"b": (VerdictKind.REJECT, "near-duplicate of a")}
    verdict = room._verdict(engine, shown("b", 1), (), Ranked(5.0, 0.01, "clip", ("clip",)), picks, left)
    assert verdict.kind is VerdictKind.REJECT
    assert verdict.reasons == ("near-duplicate of a", "p=0.010 front portrait: clip")


def test_a_whole_grid_leaves_room_for_its_neutral_share(engine):
    limit = room.quotas_of(engine, quotas(48, CONFIG.views))[-1]
    assert (limit.maximum, limit.label) == (16, PLAIN)


@pytest.mark.parametrize(("asked", "beaten"), [("exchanged", True), ("lookalikes", False), ("both", False)])
def test_the_configuration_says_which_decoys_calibrate(engine, monkeypatch, asked, beaten):
    """The exchanged decoys are far from the seeds, the look-alikes as near as the candidate."""
    engine.config = load("puppet", overrides=[f"loop.calibrate_on={asked}"])
    engine.judges.identity = ["clip"]
    near, far = [shown(f"n{n}", 0) for n in range(30)], [shown(f"x{n}", 0) for n in range(30)]
    monkeypatch.setattr("loops.strata.usable_decoys", lambda *_: {JobKind.LOOKALIKE: near, JobKind.EXCHANGED: far})
    values = {f.job.id: 0.8 + n / 100 for n, f in enumerate(near)} | {f.job.id: n / 100 for n, f in enumerate(far)}
    measured = {id: {"clip": Measurement(value)} for id, value in (values | {"c": 0.9}).items()}
    rank = room.ranked(engine, [shown("c", 0)], measured)["c"]
    assert (rank.p < 0.05) is beaten


def test_what_the_base_drew_is_ranked_among_other_characters(engine, monkeypatch):
    """Whatever calibrates: among its own look-alikes none of the base's drawings could stand out."""
    engine.judges.identity = ["clip"]
    near, far = ([replace(shown(f"{kind}{n}", 0), adapter="") for n in range(30)] for kind in "nx")
    monkeypatch.setattr("loops.strata.usable_decoys", lambda *_: {JobKind.LOOKALIKE: near, JobKind.EXCHANGED: far})
    values = {f.job.id: 0.8 + n / 100 for n, f in enumerate(near)} | {f.job.id: n / 100 for n, f in enumerate(far)}
    measured = {id: {"clip": Measurement(value)} for id, value in (values | {"c": 0.9}).items()}
    assert room.ranked(engine, [replace(shown("c", 0), adapter="")], measured)["c"].p < 0.05


def test_no_frame_of_a_round_that_drifted_fills_an_empty_place(engine):
    engine.config = load("puppet", overrides=["loop.target=4", "panel.duplicate_bits=0"])
    cells = [cell for cell, count in quotas(4, engine.config.views).items() for _ in range(count)]

    def placed(id, number, cell, angle):
        one = shown(id, angle)
        shot = replace(one.job.shot, view_family=cell[0], framing=cell[1])
        return replace(one, job=replace(one.job, round=number, shot=shot))

    kept = [placed(f"k{n}", 1, cell, 20 * n) for n, cell in enumerate(cells[:3])]
    undecided = [placed("drifted", 2, cells[3], 90), placed("sound", 1, cells[3], 100)]
    verdicts = {
        f.job.id: Verdict(f.job.id, VerdictKind.UNDECIDED, room.GATE, ("x",), 0.1, score)
        for f, score in zip(undecided, (9.0, 1.0), strict=True)
    }
    told = []
    engine.usable_keeps, engine.sound_rounds = lambda: kept, {0, 1}
    engine.store = SimpleNamespace(
        frames_judged=lambda kind: undecided if kind is VerdictKind.UNDECIDED else [],
        verdicts=lambda: verdicts,
        set_verdicts=lambda given, *_: told.extend(given),
    )
    fill(engine, 3)
    assert [(one.frame, one.kind) for one in told] == [("sound", VerdictKind.PROVISIONAL)]


def test_what_a_drifted_round_kept_is_set_aside_at_the_end_with_the_reason_first(engine):
    sound, drifted = shown("sound", 0), shown("drifted", 90)
    verdicts = {
        one.job.id: Verdict(one.job.id, VerdictKind.KEEP, room.GATE, ("x",), 0.1, 2.0) for one in (sound, drifted)
    }
    told = []
    engine.usable_keeps = lambda: [sound]
    engine.store = SimpleNamespace(
        kept=lambda: [sound, drifted], verdicts=lambda: verdicts, set_verdicts=lambda given, *_: told.extend(given)
    )
    set_aside(engine, 3)
    assert told == [Verdict("drifted", VerdictKind.UNDECIDED, room.GATE, (room.DRIFTED, "x"), 0.1, 2.0)]
