"""Lengths of time as people write and read them, and the machine's speed."""

from datetime import datetime

import pytest

from bootstrap.errors import ConfigError
from bootstrap.machine.limits import Limits, duration_of, in_words, limits_of, next_time, seconds_of
from bootstrap.machine.speed import flops_of

NOON = datetime(2026, 5, 4, 12, 0)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "less than a minute"), (60, "1 minute"), (640, "11 minutes"), (10_000, "3 hours"), (200_000, "2 days")],
)
def test_durations_in_words(seconds, words):
    assert in_words(seconds) == words


@pytest.mark.parametrize(("text", "seconds"), [("8h", 28800), ("1h30m", 5400), ("90 min", 5400), ("2d", 172800)])
def test_durations_are_read(text, seconds):
    assert duration_of(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "8", "0h", "61d"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="is n"):
        duration_of(text)


def test_the_earlier_limit_counts():
    assert not Limits()
    assert seconds_of(Limits(), NOON) is None
    limits = limits_of("8h", "7:30")
    assert limits.until == "07:30"
    assert seconds_of(limits, NOON) == 8 * 3600
    assert seconds_of(Limits(until="12:10"), NOON) == 600
    assert next_time("12:00", NOON).day == 5
    with pytest.raises(ConfigError, match='--until "25:00" is no time of day'):
        limits_of(None, "25:00")


def test_the_machine_has_a_speed():
    assert flops_of("cpu") > 1e8
