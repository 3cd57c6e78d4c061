from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bootstrap.events import Noted, Progress, RoundBegan
from bootstrap.listeners.jsonl import JsonLog
from bootstrap.store.store import Store


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_log_tells_what_the_store_holds(tmp_path: Path) -> None:
    path = tmp_path / "run" / "log.jsonl"
    with Store.open(tmp_path / "run", create=True) as store:
        store.listen(JsonLog(path, store.log()))
        store.begin_round(1, "style", 4, RoundBegan(1, "style", 0, 4))
        store.append_event(Progress("training", 1, 2))
        store.append_event(Noted("Mëka"))
        assert [line["kind"] for line in lines(path)] == ["RoundBegan", "Noted"]
        assert lines(path)[0].keys() == store.log()[0].keys()


def test_a_torn_line_is_mended_when_the_run_opens_again(tmp_path: Path) -> None:
    path = tmp_path / "run" / "log.jsonl"
    with Store.open(tmp_path / "run", create=True) as store:
        store.append_event(Noted("one"))
        path.write_text('{"kind": "No', encoding="utf-8")
        store.listen(JsonLog(path, store.log()))
        store.append_event(Noted("two"))
    assert [line["text"] for line in lines(path)] == ["one", "two"]


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    log = JsonLog(tmp_path / "log.jsonl", [])
    (tmp_path / "log.jsonl").unlink()
    (tmp_path / "log.jsonl").mkdir()
    log(Noted("one"))
