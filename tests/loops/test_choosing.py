"""What limits a choice, and what becomes of frames that the gate admitted and that are not chosen."""

from dataclasses import replace

import numpy as np
import pytest

from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.records import Frame, Job, JobKind, Round, RoundOutcome, Shot, Verdict, VerdictKind
from bootstrap.shots import Planner, quotas
from loops.archive import Archive
from loops.choose import DRIFTED, Chooser, set_aside, undecided_by_gate
from loops.ranking import GATE, Gated
from scoring.calibrate import Ranked

PLAIN = "neutral expression"
FRONT = ("front", "portrait")


def character(*expressions, backgrounds=("forest",), **facts):
    given = {"name": "M", "trigger": "mchr", "invariant": {"hair": "red hair"}, "poses": ["standing"], **facts}
    return Character(expressions=expressions, backgrounds=backgrounds, **given)


def chooser(person=None, *overrides, seed_looks=()):
    panel = {} if overrides else {"backend": "fake"}  # its own encoder calls only equal pictures near-duplicates
    config = load("puppet", overrides=list(overrides), **panel)
    planner = Planner(person or character("smile", PLAIN), config.views, config.subject)
    return Chooser(planner, config, seed_looks)


def shown(id, angle, expression="smile", view_family="front", background="forest", outfit="default"):
    """A frame whose look is an angle."""
    axes = {"expression": expression, "pose": "standing", "outfit": outfit, "background": background}
    shot = Shot(view_family, view_family, "portrait", {**axes, "style": "cel shading"})
    return Frame(Job(id, JobKind.CANDIDATE, 1, 1, shot, id, "", 1, {}), f"{angle}", id, "a")


def look(frame):
    turn = np.radians(float(frame.path))
    return np.array([np.cos(turn), np.sin(turn)], np.float32), None


def looks(*frames):
    return {frame.job.id: look(frame) for frame in frames}


def ranked(frames, scores=None):
    return {f.job.id: Ranked((scores or {}).get(f.job.id, 5.0), 0.01, "clip", ("clip",)) for f in frames}


def chosen(chooser, frames, places, scores=None):
    """The frames that are kept, with why; and the others with what becomes of them."""
    gated = Gated(frames, {f.job.id: () for f in frames}, ranked(frames, scores), frames)
    verdicts = chooser.verdicts(gated, [], places, looks(*frames))
    kept = {v.frame: v.reasons[0] for v in verdicts if v.kind is VerdictKind.KEEP}
    left = {v.frame: (v.kind, v.reasons[0]) for v in verdicts if v.kind is not VerdictKind.KEEP}
    return kept, left


def test_neutral_expressions_take_at_most_their_share():
    frames = [shown(f"f{n:02d}", 8 * n, PLAIN) for n in range(20)]
    kept, left = chosen(chooser(), frames, {FRONT: 20})
    assert len(kept) == 7  # 35 % of 20
    assert set(left.values()) == {(VerdictKind.UNDECIDED, "passes; neutral expression is full: 7")}


def test_a_face_that_nobody_sees_is_not_neutral():
    frames = [shown(f"f{n:02d}", 8 * n, PLAIN, "behind") for n in range(20)]
    assert len(chosen(chooser(), frames, {("behind", "portrait"): 20})[0]) == 20


def test_a_character_who_is_always_neutral_has_no_limit():
    frames = [shown(f"f{n:02d}", 8 * n, PLAIN) for n in range(20)]
    assert len(chosen(chooser(character(PLAIN)), frames, {FRONT: 20})[0]) == 20


def test_a_set_does_not_collapse_on_one_background():
    person = character("smile", backgrounds=("forest", "beach", "night", "room"))
    frames = [shown(f"f{n:02d}", 4 * n) for n in range(20)]
    frames += [shown(f"o{n}", 100 + 4 * n, background="beach") for n in range(3)]
    kept, left = chosen(chooser(person), frames, {FRONT: 20})
    assert {id for id in kept if id.startswith("o")} == {"o0", "o1", "o2"}
    assert len(kept) == 3 + 13  # a quarter, and half of the other three
    assert set(left.values()) == {(VerdictKind.UNDECIDED, "passes; forest is full: 13")}
    assert all(reason.startswith("fills front/portrait") for reason in kept.values())


def test_few_candidates_of_one_kind_are_all_taken():
    person = character("smile", backgrounds=("forest", "beach", "night", "room"))
    frames = [shown(f"f{n:02d}", 8 * n) for n in range(6)]
    assert len(chosen(chooser(person), frames, {FRONT: 20})[0]) == 6


def test_outfits_get_their_shares_before_likeness_and_diversity():
    person = character("smile", outfits={"default": {"tags": "shirt", "share": 0.25}, "suit": {"tags": "suit"}})
    frames = [shown(f"d{n}", 20 * n) for n in range(4)] + [shown(f"s{n}", n + 41, outfit="suit") for n in range(4)]
    limits = chooser(person, "panel.duplicate_bits=0", "panel.duplicate_cosine=1")
    assert sorted(id[0] for id in chosen(limits, frames, {FRONT: 4})[0]) == ["d", "s", "s", "s"]


def turned(id, angle, side, style="cel shading"):
    frame = shown(id, angle, view_family="profile")
    return replace(frame, job=replace(frame.job, shot=replace(frame.job.shot.having({"style": style}), view=side)))


@pytest.mark.parametrize("places", [2, 4])
def test_both_sides_are_in_the_set_though_one_is_less_alike(places):
    frames = [turned(f"r{n}", 10 * n, "profile-right") for n in range(4)] + [turned("l", 100, "profile-left")]
    scores = {frame.job.id: 1.0 if frame.job.id == "l" else 9.0 for frame in frames}
    kept, left = chosen(chooser(), frames, {("profile", "portrait"): places}, scores)
    assert "l" in kept
    assert len(kept) == places
    alone, left = chosen(chooser(), frames[:4], {("profile", "portrait"): places})
    assert len(alone) == places - 1, "a place stays open for the left"
    assert set(left.values()) == {(VerdictKind.UNDECIDED, f"passes; profile-right is full: {places - 1}")}


def test_several_styles_are_held_to_their_shares():
    person = character("smile", styles=("cel shading", "sketch"))
    frames = [turned(f"c{n}", 10 * n, f"profile-{('left', 'right')[n % 2]}") for n in range(8)]
    frames += [turned(f"s{n}", 90 + 10 * n, "profile-left", "sketch") for n in range(2)]
    scores = {frame.job.id: 1.0 if frame.job.id.startswith("s") else 9.0 for frame in frames}
    kept, _ = chosen(chooser(person), frames, {("profile", "portrait"): 8}, scores)
    assert sum(id.startswith("s") for id in kept) == 2


def test_what_nobody_sees_counts_for_no_share():
    limits = chooser(character("smile", "frown", PLAIN))
    guides = limits.guides({("behind", "portrait"): 10, FRONT: 4})
    targets = {quota.label: quota.target for quota in guides}
    assert targets["smile"] + targets["frown"] + targets[PLAIN] == 4
    assert targets["forest"] == 14
    behind = shown("b", 0, view_family="behind")
    assert "expression" not in limits.candidate(behind, 0.0, look(behind)).axes


def test_frames_that_look_like_a_seed_come_last():
    limits = chooser(seed_looks=[look(shown("seed", 0))[0]])
    assert list(chosen(limits, [shown("a", 5), shown("b", 80)], {FRONT: 1})[0]) == ["b"]


@pytest.mark.parametrize(("enough", "first"), [(0.9, "b"), (0.0, "a")])
def test_how_much_diversity_is_enough_is_a_setting(enough, first):
    limits = chooser(None, f"loop.diverse_enough={enough}", seed_looks=[look(shown("seed", 0))[0]])
    frames = [shown("a", 20), shown("b", 80)]
    assert list(chosen(limits, frames, {FRONT: 1}, {"a": 9.0, "b": 5.0})[0]) == [first]


def test_too_close_to_a_kept_frame_is_a_reject_and_says_to_which():
    frames = [shown("a", 0), shown("b", 1)]
    gated = Gated(frames, {"a": (), "b": ()}, ranked(frames), frames)
    verdicts = chooser(None, "panel.duplicate_bits=0").verdicts(gated, [], {FRONT: 4}, looks(*frames))
    assert [(one.frame, one.kind) for one in verdicts] == [("a", VerdictKind.KEEP), ("b", VerdictKind.REJECT)]
    assert verdicts[1].reasons == ("near-duplicate of a", "p=0.010 front portrait: clip")


def test_every_candidate_gets_a_verdict_with_the_first_reason_that_keeps_it_out():
    frames = [shown(id, 20 * n) for n, id in enumerate(["fails", "silent", "low", "doubted", "drifted", "kept"])]
    failures = {f.job.id: ("view: behind",) if f.job.id == "fails" else () for f in frames}
    ranks = {id: rank for id, rank in ranked(frames).items() if id not in ("fails", "silent")}
    gated = Gated(frames, failures, ranks, frames[-1:], doubted={"doubted", "drifted"}, drifted={"drifted"})
    verdicts = chooser().verdicts(gated, [], {FRONT: 4}, looks(*frames))
    assert [(one.kind, one.reasons[0]) for one in verdicts] == [
        (VerdictKind.REJECT, "view: behind"),
        (VerdictKind.UNDECIDED, "no identity scorer could tell"),
        (VerdictKind.UNDECIDED, "not far enough above the decoys"),
        (VerdictKind.UNDECIDED, "a person would likely reject it, by the verdicts so far"),
        (VerdictKind.UNDECIDED, DRIFTED),
        (VerdictKind.KEEP, "fills front/portrait 0→1"),
    ]


def test_a_whole_grid_leaves_room_for_its_neutral_share():
    limits = chooser()
    limit = limits.quotas(quotas(48, limits.config.views))[-1]
    assert (limit.maximum, limit.label) == (16, PLAIN)


def archive_of(kept, undecided, rounds):
    """An archive of judged frames; undecided ones come with their scores."""
    verdicts = {f.job.id: Verdict(f.job.id, VerdictKind.KEEP, GATE, ("x",), 0.1, 2.0) for f in kept}
    for frame, score in undecided:
        verdicts[frame.job.id] = Verdict(frame.job.id, VerdictKind.UNDECIDED, GATE, ("x",), 0.1, score)
    return Archive(rounds=rounds, frames=[*kept, *(frame for frame, _ in undecided)], verdicts=verdicts)


def ended(number, held_out):
    strata = {place: [10.0, held_out, 0.001] for place in ("front/portrait", "behind/portrait")}
    return Round(number, "style", 16, RoundOutcome(3, 3, 40, held_out, held_out_strata=strata))


SOUND_THEN_DRIFTED = [ended(1, 0.8), ended(2, 0.4)]


def test_provisional_frames_fill_empty_places_the_surest_first():
    limits = chooser(None, "loop.target=4", "panel.duplicate_bits=0")
    cells = [cell for cell, count in quotas(4, limits.config.views).items() for _ in range(count)]

    def placed(id, cell, angle):
        one = shown(id, angle)
        shot = replace(one.job.shot, view_family=cell[0], framing=cell[1])
        return replace(one, job=replace(one.job, shot=shot))

    kept = [placed(f"k{n}", cell, 20 * n) for n, cell in enumerate(cells[:3])]
    undecided = [placed("unsure", cells[3], 90), placed("surer", cells[3], 100)]
    archive = archive_of(kept, [(undecided[0], 1.0), (undecided[1], 9.0)], [Round(1, "style", 16)])
    places = quotas(4, limits.config.views)
    verdicts = limits.provisional(undecided, archive, places, looks(*kept, *undecided))
    assert [(one.frame, one.kind, one.score) for one in verdicts] == [("surer", VerdictKind.PROVISIONAL, 9.0)]
    assert verdicts[0].reasons[0].startswith("provisional: fills ")
    assert verdicts[0].reasons[1:] == ("x",)


def test_no_frame_of_a_round_that_drifted_or_that_a_person_left_undecided_is_provisional():
    sound, drifted, by_person = shown("sound", 0), shown("drifted", 90), shown("person", 45)
    drifted = replace(drifted, job=replace(drifted.job, round=2))
    archive = archive_of([], [(sound, 1.0), (drifted, 9.0), (by_person, 5.0)], SOUND_THEN_DRIFTED)
    verdicts = {**archive.verdicts, "person": replace(archive.verdicts["person"], by="person")}
    assert undecided_by_gate(replace(archive, verdicts=verdicts)) == [sound]


def test_what_a_drifted_round_kept_is_set_aside_at_the_end_with_the_reason_first():
    sound, drifted = shown("sound", 0), shown("drifted", 90)
    drifted = replace(drifted, job=replace(drifted.job, round=2))
    archive = archive_of([sound, drifted], [], SOUND_THEN_DRIFTED)
    assert set_aside(archive) == [Verdict("drifted", VerdictKind.UNDECIDED, GATE, (DRIFTED, "x"), 0.1, 2.0)]


def test_what_a_person_kept_in_a_drifted_round_counts_all_the_same():
    drifted = shown("drifted", 90)
    drifted = replace(drifted, job=replace(drifted.job, round=2))
    archive = archive_of([drifted], [], SOUND_THEN_DRIFTED)
    assert archive.usable_keeps == []
    by_person = {"drifted": replace(archive.verdicts["drifted"], by="person")}
    assert replace(archive, verdicts=by_person).usable_keeps == [drifted]


def test_the_round_being_played_is_sound_and_one_that_drifted_is_not():
    rounds = [*SOUND_THEN_DRIFTED, Round(3, "character", 48, None)]
    assert Archive(rounds=rounds).sound_rounds == {0, 1, 3}


def test_places_are_empty_until_as_many_are_kept_as_there_are_places():
    archive = archive_of([shown("a", 0), shown("b", 0)], [], [Round(1, "style", 16)])
    assert archive.empty_places({FRONT: 1, ("behind", "portrait"): 2}) == {("behind", "portrait"): 2}
    assert archive.empty_places({FRONT: 1, ("behind", "portrait"): 1}) == {}
