import pytest

from scoring.crops import Crops
from scoring.features import Features
from scoring.identity import CropIdentity

CROPS = Crops(
    {
        "full body": {"head": (0, 0, 1, 0.5), "body": (0, 0.5, 1, 1)},
        "portrait": {"head": (0, 0, 1, 0.5), "body": (0, 0.95, 1, 1)},
    },
    fallback="",
)


def identity(encoder, *seeds, **options):
    return CropIdentity(encoder, seeds, CROPS, Features(), **options)


def values(scorer, *pictures):
    return [m.value if m.value is None else round(m.value, 3) for m in scorer.score(pictures)]


def test_head_is_compared_with_head_and_body_with_body(encoder, paint):
    scorer = identity(encoder, paint("red", "blue"))
    same, swapped, half = paint("red", "blue"), paint("blue", "red"), paint("red", "green")
    assert values(scorer, same, swapped, half) == [1.0, 0.0, 0.5]


def test_the_best_reference_counts(encoder, paint):
    scorer = identity(encoder, paint("green"), paint("red"))
    assert values(scorer, paint("red")) == [1.0]


def test_only_shared_crops_speak(encoder, paint):
    scorer = identity(encoder, paint("red", "blue", framing="portrait"))
    assert values(scorer, paint("red", "green")) == [1.0]  # the seed shows no body


def test_no_shared_crop_is_not_applicable_never_zero(encoder, paint):
    answer = identity(encoder, paint("red")).score([paint("red", framing="wide")])[0]
    assert answer.value is None
    assert "wide" in answer.why


def test_the_fingerprint_follows_seeds_and_settings(encoder, paint):
    prints = {
        identity(encoder, paint("red")).fingerprint,
        identity(encoder, paint("blue")).fingerprint,
        identity(encoder, paint("red"), use=("head",)).fingerprint,
    }
    assert len(prints) == 3
    assert identity(encoder, paint("red")).fingerprint in prints


def test_without_seeds_there_is_no_identity(encoder):
    with pytest.raises(ValueError, match="no reference pictures"):
        identity(encoder)


def test_an_approved_picture_speaks_in_its_own_view_family_and_never_for_itself(encoder, paint):
    mine = paint("blue", view_family="behind")
    scorer = identity(encoder, paint("red"), use=("head",), approved=[mine])
    twin = paint("blue", "green", view_family="behind")
    assert values(scorer, twin, paint("blue"), mine) == [1.0, 0.0, 0.0]
    assert scorer.fingerprint != identity(encoder, paint("red"), use=("head",)).fingerprint
