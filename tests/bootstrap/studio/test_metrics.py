"""What Ray tells Prometheus of a queue."""

from bootstrap.runs.queue import Queue
from bootstrap.studio.metrics import Metrics

MADE = {}


class Gauge:
    """Remembers what it was set to, by its tag."""

    def __init__(self, name, description, tag_keys):
        self.values = {}
        MADE[name] = self

    def set(self, value, tags):
        (tag,) = tags.values()
        self.values[tag] = value


def test_characters_and_states_are_told_and_damage_is_passed_over(store, tmp_path):
    queue = Queue(tmp_path / "queue.db")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.db").write_bytes(b"no database")
    for name, run in (("Mika", store.directory), ("Yuki", tmp_path / "none"), ("Zoe", tmp_path / "broken")):
        queue.add(run, name, tmp_path, [])
    queue.mark(1, "running")
    queue.mark(3, "failed")
    Metrics(Gauge).tell(queue.entries())
    assert MADE["bootstrap_kept"].values == {"Mika": 3}
    assert MADE["bootstrap_round"].values == {"Mika": 2}
    assert MADE["bootstrap_work_seconds"].values["Mika"] > 0
    assert MADE["bootstrap_characters"].values == {"running": 1, "waiting": 1, "failed": 1}
