"""How long a run may take, as a person writes it: ``--budget 8h``, ``--until 07:30``; and lengths of time in words.

Pure: texts to numbers and back. Reads no clock and knows no run.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from bootstrap.errors import ConfigError

__all__ = ["DAY", "Limits", "duration_of", "in_words", "limits_of", "next_time", "seconds_of"]

DAY = 86400.0
UNITS = {"d": DAY, "h": 3600.0, "m": 60.0, "min": 60.0, "s": 1.0}
PART = re.compile(r"(\d+(?:\.\d+)?)\s*(min|[dhms])\s*")
TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
LONGEST = 60 * DAY
NAMED = {"day": DAY, "hour": 3600.0, "minute": 60.0}


class Limits(BaseModel):
    """What a person allowed: seconds of work (None: any), and a time of day "HH:MM" at which it must be over."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    budget: float | None = None
    """Seconds of work over the whole run, all its processes together; the machine's sleep does not count."""
    until: str | None = None
    """Local time of day, "07:30"."""

    @field_validator("budget", mode="before")
    @classmethod
    def _seconds(cls, given: object) -> object:
        return duration_of(given) if isinstance(given, str) else given

    @field_validator("until")
    @classmethod
    def _time(cls, given: str | None) -> str | None:
        if given is None:
            return None
        found = TIME.fullmatch(given.strip())
        if not found:
            raise ValueError("is no time of day; write it as 07:30")
        return f"{int(found[1]):02d}:{found[2]}"

    def __bool__(self) -> bool:
        """Whether anything was limited."""
        return self.budget is not None or self.until is not None


def limits_of(budget: str | None, until: str | None) -> Limits:
    """The limits of a command line. Raises ConfigError naming the option, the value and how to write it."""
    try:
        return Limits.model_validate({"budget": budget, "until": until})
    except ValidationError as failure:
        problem = failure.errors()[0]
        message = str(problem.get("ctx", {}).get("error", problem["msg"]))
        hint = "for example --budget 8h --until 07:30"
        raise ConfigError(f'--{problem["loc"][0]} "{problem["input"]}" {message}', hint) from None


def duration_of(text: str) -> float:
    """Seconds of "8h", "1h30m", "90 min", "45m", "2d". Raises ValueError saying what is wrong."""
    rest, seconds = text.strip().lower(), 0.0
    while found := PART.match(rest):
        seconds, rest = seconds + float(found[1]) * UNITS[found[2]], rest[found.end() :]
    if rest or not text.strip():
        raise ValueError("is no length of time; write it as 8h, 90min or 1h30m")
    if not 0 < seconds <= LONGEST:
        raise ValueError("is not between a second and 60 days")
    return seconds


def in_words(seconds: float) -> str:
    """Roughly how long that is: "10 minutes", "3 hours"."""
    for name, length in NAMED.items():
        if seconds >= 1.5 * length:
            return f"{round(seconds / length)} {name}s"
    return "1 minute" if seconds > 20 else "less than a minute"


def seconds_of(limits: Limits, now: datetime) -> float | None:
    """Seconds that the limits leave from ``now`` on; None where nothing was limited."""
    ends = []
    if limits.budget is not None:
        ends.append(limits.budget)
    if limits.until is not None:
        ends.append(next_time(limits.until, now).timestamp() - now.timestamp())
    return min(ends, default=None)


def next_time(until: str, now: datetime) -> datetime:
    """The next moment after ``now`` at which clocks show ``until`` ("HH:MM"), also on the nights they are changed.

    The clocks are those of this machine where ``now`` shows their time, else those of its time zone. A time that a
    night leaves out is counted on from before the change (as RFC 5545 does): 02:30 becomes 03:30.
    """
    hour, minute = (int(part) for part in until.split(":"))
    zone = _zone_of(now)
    moments = []
    for days in (0, 1):
        shown = (now + timedelta(days=days)).replace(hour=hour, minute=minute, second=0, microsecond=0, tzinfo=None)
        both = [_moment(shown.replace(fold=fold), zone) for fold in (0, 1)]  # an hour may be there twice, or not at all
        there = [moment for moment in both if (moment.hour, moment.minute) == (hour, minute)]
        moments += there or [max(both, key=datetime.timestamp)]
    later = [moment for moment in moments if moment.timestamp() > now.timestamp()]
    return min(later, key=datetime.timestamp)


def _zone_of(now: datetime) -> tzinfo | None:
    """The time zone whose clocks ``now`` shows; None for this machine's, whose offset changes over the year."""
    is_ours = isinstance(now.tzinfo, timezone) and now.utcoffset() == now.astimezone().utcoffset()
    return None if is_ours else now.tzinfo


def _moment(shown: datetime, zone: tzinfo | None) -> datetime:
    """The moment at which the clocks of a zone show a time, as these clocks show it."""
    moment = shown if zone is None else shown.replace(tzinfo=zone)
    return moment.astimezone(UTC).astimezone(zone)
