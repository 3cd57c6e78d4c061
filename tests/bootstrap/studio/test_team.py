"""Sharing tasks: results in order, whoever dies; tasks that kill are set aside; slow ones are asked for twice."""

import pytest

from bootstrap.errors import BackendError, OutOfMemoryError
from bootstrap.studio.team import SET_ASIDE, Team
from bootstrap.studio.worker import Failure
from bootstrap.studio.workforce import LOST, LocalMember, Task

LONGEST = 10_000
"""Looks at all workers of a test, after which it fails in place of waiting for ever."""


class Worker:
    """A member whose tasks end after so many looks; ``dies`` says at which of its tasks it does."""

    looked, began = 0, True

    def __init__(self, looks=1, dies=()):
        self.looks, self.dies, self.done, self.work, self.left, self.lost = looks, dies, [], None, 0, False

    @property
    def idle(self):
        return self.work is None and not self.lost

    def start(self, task):
        self.work, self.left = task, self.looks

    def finished(self):
        self.left -= 1
        Worker.looked += 1
        assert Worker.looked < LONGEST, "these tasks never end"
        return self.work is not None and self.left < 0

    def result(self):
        task, self.work = self.work, None
        if task.name in self.dies:
            self.lost = True
            return LOST
        self.done.append(task.name)
        return task.here()()

    def close(self):
        self.lost = True


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr("bootstrap.studio.team.PAUSE", 0)
    monkeypatch.setattr(Worker, "looked", 0)


def tasks(count):
    return [Task(f"task {number}", lambda number=number: lambda: number * number, None) for number in range(count)]


@pytest.mark.parametrize("looks", [(1,), (1, 5), (9, 1, 3, 2, 0, 4, 1, 1)])
def test_results_come_in_order_however_many_members_work(looks):
    team = Team([Worker(one) for one in looks], Worker)
    assert list(team.results(tasks(20))) == [number * number for number in range(20)]


def test_members_share_the_work():
    one, two = Worker(1), Worker(1)
    list(Team([one, two], Worker).results(tasks(20)))
    assert len(one.done) == len(two.done) == 10


def test_the_task_of_a_worker_that_died_is_done_by_another_and_nothing_else_twice():
    told, first, second = [], Worker(1, dies=["task 4"]), Worker(1)
    new = []
    team = Team([first, second], lambda: new.append(Worker(1)) or new[-1], told.append)
    assert list(team.results(tasks(10))) == [number * number for number in range(10)]
    done = [name for one in (first, second, *new) for name in one.done]
    assert sorted(done) == sorted(f"task {number}" for number in range(10))
    assert told == ["a worker died at task 4; another one does it"]


def test_a_task_that_killed_three_workers_is_set_aside_with_a_line():
    told = []
    team = Team([Worker(1, dies=["task 2"])], lambda: Worker(1, dies=["task 2"]), told.append)
    assert list(team.results(tasks(4))) == [0, 1, SET_ASIDE, 9]
    assert told[-1] == "task 2 ended 3 workers and is set aside"


def test_a_slow_task_is_given_to_a_second_member_and_the_first_answer_counts():
    slow, quick = Worker(10**9), Worker(1)
    assert list(Team([slow, quick], Worker).results(tasks(6))) == [number * number for number in range(6)]
    assert len(quick.done) == 6


def test_what_a_member_still_works_at_is_no_result_of_the_next_tasks():
    slow = Worker(200)
    team = Team([slow, Worker(1)], Worker)
    list(team.results(tasks(6)))
    others = [Task(f"other {number}", lambda: lambda: "other", None) for number in range(3)]
    assert list(team.results(others)) == ["other"] * 3


@pytest.mark.parametrize(("memory", "kind"), [(True, OutOfMemoryError), (False, BackendError)])
def test_a_failure_of_the_task_itself_is_raised(memory, kind):
    failing = Task("it", lambda: lambda: Failure("memory ran out", "lower it", memory), None)
    with pytest.raises(kind, match="memory ran out; lower it"):
        list(Team([Worker(1)], Worker).results([failing]))


def test_this_process_works_in_a_thread_with_the_threads_of_a_worker():
    torch = pytest.importorskip("torch")
    before, member = torch.get_num_threads(), LocalMember(1)
    team = Team([member], Worker)
    seen = list(team.results([Task("threads", lambda: torch.get_num_threads, None)] * 2))
    member.close()
    assert (seen, torch.get_num_threads()) == ([1, 1], before)


class Stillborn(Worker):
    """A worker whose process never begins."""

    began = False

    def __init__(self):
        super().__init__()
        self.work = Task("joining", None, None)

    def result(self):
        self.work, self.lost = None, True
        return LOST


def test_workers_that_cannot_be_started_leave_the_work_to_the_others():
    told = []
    team = Team([Worker(), Stillborn()], Stillborn, told.append)
    assert list(team.results(tasks(50))) == [number * number for number in range(50)]
    assert told == ["10 workers in a row died before they began; the others go on"]


def test_where_no_worker_can_be_started_the_work_ends_in_one_line():
    with pytest.raises(BackendError, match="no worker can be started"):
        list(Team([Stillborn()], Stillborn).results(tasks(2)))
