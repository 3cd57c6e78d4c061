"""Sharing tasks among members, so that what comes out does not depend on how many there are or which of them die.

Tasks are handed out in order and their results come back in order. The task of a worker that died is handed out again;
one that killed three is set aside. When nothing is left to hand out, a task that takes long is given to an idle member
as well, and the first answer counts. Knows no model and no picture.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bootstrap.errors import BackendError
from bootstrap.studio.workforce import LOST, RemoteMember, Task, TeamMember, expected

__all__ = ["DEADLY", "SET_ASIDE", "Team"]

DEADLY = 3
"""Workers that a task may kill before it is set aside."""
AHEAD = 2
"""Tasks a member that may be begun beyond the first whose result is missing: what a killed run loses at most."""
STARTS = 10
"""Workers in a row that may die before they began, until the next tasks; then no further one is started."""
SLOW = 2.0
"""A task is given to a second member when it has taken so many times the usual."""
PAUSE = 0.01
"""Seconds between two looks at what members do."""


class _SetAside:
    """The result of a task that killed every worker that had it."""


SET_ASIDE = _SetAside()


@dataclass
class _Shared:
    """Tasks under way: which wait, who works at which and since when, what came out, how many workers each killed."""

    tasks: Sequence[Task]
    waiting: list[int]
    at_work: dict[int, tuple[int, float]] = field(default_factory=dict)
    results: dict[int, Any] = field(default_factory=dict)
    deaths: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    given: int = 0

    def open(self, number: int) -> bool:
        """Whether the result of a task is still wanted."""
        return number >= self.given and number not in self.results


class Team:
    """Members that share the work of a run. ``replace`` makes a new member for one that died; ``tell`` says so."""

    def __init__(
        self,
        members: Sequence[TeamMember],
        replace: Callable[[], TeamMember],
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Nothing is begun."""
        self.members = list(members)
        self._replace, self._tell = replace, tell
        self._stillborn = 0

    def results(self, tasks: Sequence[Task]) -> Iterator[Any]:
        """What comes of each task, in their order; `SET_ASIDE` for one that killed its workers.

        Raises BackendError where a task fails by itself, or no member is left and none can be started.
        """
        self._stillborn = 0
        self.members = [self._replace() if member.lost else member for member in self.members]
        shared = _Shared(tasks, list(range(len(tasks))))
        while shared.given < len(tasks):
            while shared.given in shared.results:
                result = shared.results.pop(shared.given)
                shared.given += 1
                yield expected(result)
            if shared.given < len(tasks):
                self._collect(shared)
                self._hand_out(shared)
                time.sleep(PAUSE)

    def idle_actors(self) -> list[Any]:
        """The workers whose process runs and that nothing is given to, for work of another kind."""
        return [
            member.actor
            for member in self.members
            if isinstance(member, RemoteMember) and member.process and member.idle
        ]

    def occupy(self, actor: Any, work: Any) -> None:
        """Leave a worker alone until ``work`` of another kind has ended; nobody waits for its result."""
        for member in self.members:
            if isinstance(member, RemoteMember) and member.actor is actor:
                member.occupy(work)

    def _hand_out(self, shared: _Shared) -> None:
        """Give every idle member a task that waits, or one that takes long."""
        limit = shared.given + AHEAD * len(self.members)
        for place, member in enumerate(self.members):
            if not member.idle:
                continue
            number = next((one for one in shared.waiting if one < limit), None)
            if number is not None:
                shared.waiting.remove(number)
            else:
                number = self._late(shared)
            if number is None:
                return
            shared.at_work[place] = number, time.monotonic()
            member.start(shared.tasks[number])

    def _late(self, shared: _Shared) -> int | None:
        """A task that only one member works at, for much longer than tasks took so far."""
        if not shared.seconds:
            return None
        usual, now = median(shared.seconds), time.monotonic()
        busy = Counter(number for number, _ in shared.at_work.values())
        for number, since in shared.at_work.values():
            if shared.open(number) and busy[number] == 1 and now - since > SLOW * usual + PAUSE:
                return number
        return None

    def _collect(self, shared: _Shared) -> None:
        """Take what members have finished, and replace those that died."""
        for place, member in enumerate(self.members):
            if not member.finished():
                continue
            under_way = shared.at_work.pop(place, None)
            value = member.result() if under_way else _unwanted(member)
            if value is LOST:
                self._replaced(place, member)
            if under_way is None:  # its process began, or it worked at what is no longer wanted
                continue
            number, since = under_way
            if not shared.open(number):
                continue
            if value is LOST:
                self._again(shared, number)
                continue
            shared.results[number] = value
            shared.seconds.append(time.monotonic() - since)

    def _replaced(self, place: int, member: TeamMember) -> None:
        """Put a new member in the place of one that died, unless too many died before they began."""
        self._stillborn = 0 if member.began else self._stillborn + 1
        if self._stillborn < STARTS:
            self.members[place] = self._replace()
            return
        if self._stillborn == STARTS:
            self._tell(f"{STARTS} workers in a row died before they began; the others go on")
        if all(one.lost for one in self.members):
            raise BackendError("no worker can be started", "the log of Ray says why; without --workers none is needed")

    def _again(self, shared: _Shared, number: int) -> None:
        """Let a task wait again whose worker died, or set it aside."""
        shared.deaths[number] += 1
        name = shared.tasks[number].name
        if shared.deaths[number] >= DEADLY:
            self._tell(f"{name} ended {DEADLY} workers and is set aside")
            shared.results[number] = SET_ASIDE
            return
        self._tell(f"a worker died at {name}; another one does it")
        if number not in [one for one, _ in shared.at_work.values()]:
            shared.waiting.insert(0, number)

    def close(self) -> None:
        """Let all members go."""
        for member in self.members:
            member.close()


def _unwanted(member: TeamMember) -> Any:
    """What came of a task that nobody waits for: only whether its worker died."""
    with contextlib.suppress(BackendError):
        return member.result()
    return None
