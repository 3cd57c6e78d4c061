from __future__ import annotations

import mmap
import os
import re
import sys
from pathlib import Path

import pytest

from bootstrap.events import Noted, RoundEnded
from bootstrap.runs import peak_memory as memory
from bootstrap.runs.peak_memory import PeakMemory, Watch, peak_memory
from bootstrap.runs.status import status
from bootstrap.store.store import Store

MIB = 1 << 20


def test_the_highest_peak_of_all_processes_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(tmp_path / "run", create=True) as store:
        store.listen(PeakMemory(store))
        assert status(store)["peak_memory_mib"] is None
        for peak, expected in ((300, 300), (200, 300), (400, 400)):
            monkeypatch.setattr(memory, "peak_memory", lambda peak=peak: {"process": peak * MIB, "device": 0})
            store.append_event(RoundEnded(1, 4, None))
            assert status(store)["peak_memory_mib"] == expected
        assert status(store)["peak_device_memory_mib"] is None


def test_memory_is_measured_only_at_the_end_of_a_stage(tmp_path: Path) -> None:
    with Store.open(tmp_path / "run", create=True) as store:
        store.listen(PeakMemory(store))
        store.append_event(Noted("hello"))
        assert store.recall(memory.PEAK) is None


def test_a_process_holds_some_memory() -> None:
    assert peak_memory()["process"] > 10 * MIB


def test_what_was_held_for_a_while_is_remembered() -> None:
    held = iter([5, 9])
    watch = Watch(lambda: next(held, 4))
    assert [watch.most(), watch.most()] == [9, 9]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell mapped pages apart")
def test_pages_of_a_mapped_file_do_not_count_and_pages_of_its_own_do(tmp_path: Path) -> None:
    large = tmp_path / "weights"
    large.touch()
    os.truncate(large, 64 * MIB)
    before = peak_memory()["process"]
    with large.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as pages:
        assert sum(pages[place] for place in range(0, 64 * MIB, 4096)) == 0
        assert peak_memory()["process"] < before + 16 * MIB
    held = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
    own = b"1" * (before - 1024 * int(held[1]) + 96 * MIB)  # earlier tests of this process may have held more than now
    assert peak_memory()["process"] > before + 64 * MIB
    del own
