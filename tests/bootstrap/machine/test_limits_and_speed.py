"""Lengths of time as people write and read them, and the machine's speed."""

import subprocess
import sys
from datetime import datetime
from zoneinfo import ZoneInfo

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


CHANGES = [
    ("2026-10-24 23:00", "07:30", "2026-10-25T07:30:00+01:00"),  # the clocks go back
    ("2027-03-27 23:00", "07:30", "2027-03-28T07:30:00+02:00"),  # the clocks go forward
    ("2027-03-27 23:00", "02:30", "2027-03-28T03:30:00+02:00"),  # a time that this night does not have
    ("2026-10-24 23:00", "02:30", "2026-10-25T02:30:00+02:00"),  # one that it has twice: the first
    ("2026-10-25 02:45", "02:30", "2026-10-25T02:30:00+01:00"),  # begun between the two: the second
    ("2026-06-01 08:00", "07:30", "2026-06-02T07:30:00+02:00"),
]
ON_A_MACHINE_THERE = """
import sys
from datetime import datetime
from bootstrap.machine.limits import Limits, next_time, seconds_of
now = datetime.fromisoformat(sys.argv[1]).astimezone()
print(next_time(sys.argv[2], now).isoformat(), seconds_of(Limits(until=sys.argv[2]), now))
"""


@pytest.mark.parametrize(("begun", "until", "end"), CHANGES)
def test_a_time_of_day_is_that_of_the_clock_also_when_clocks_are_changed(begun, until, end):
    there = datetime.fromisoformat(begun).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    assert next_time(until, there).isoformat() == end
    seconds = datetime.fromisoformat(end).timestamp() - there.timestamp()
    assert seconds_of(Limits(until=until), there) == seconds
    command = [sys.executable, "-c", ON_A_MACHINE_THERE, begun, until]
    done = subprocess.run(command, env={"TZ": "Europe/Berlin"}, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [end, f"{seconds}"]


def test_the_machine_has_a_speed():
    assert flops_of("cpu") > 1e8
