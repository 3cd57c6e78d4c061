"""Memory of edit drawers on cards of several sizes, and what makes them fit."""

import pytest

from bootstrap.backends.outside.drawer_kinds import DRAWER_KINDS
from bootstrap.config import edit_memory, load
from bootstrap.config.card_memory import CONTEXT
from bootstrap.config.edit_memory import check_edit_memory, edit_stages
from bootstrap.config.named_drawers import drawer_named
from bootstrap.errors import BackendError
from bootstrap.machine.inventory import Accelerator


def drawer(name, **changes):
    return DRAWER_KINDS["edit"].model_validate(drawer_named(name, {"path": f"someone/{name}", **changes}))


def config(name, second=None, **changes):
    update = {"drawer": drawer(name, **changes), "second": drawer(second, **changes) if second else None}
    return load("sdxl").model_copy(update=update)


def card(memory):
    return Accelerator("cuda", "card", memory)


@pytest.fixture(autouse=True)
def much_main_memory(monkeypatch):
    monkeypatch.setattr(edit_memory, "memory", lambda: 256.0)


def peak(name, **changes):
    return max(edit_stages(config(name, **changes).drawer, card(24)).values()) + CONTEXT


def test_the_parts_take_turns():
    stages = edit_stages(config("klein").drawer, card(24))
    assert 7.5 < stages["drawer read"] < 8, "Qwen3-4B alone"
    assert 9 < stages["drawer draw"] < 10, "the transformer with three references"
    assert peak("klein", offload="none") > peak("klein") + 7
    assert peak("klein", most=1) < peak("klein") - 0.5
    assert peak("klein", offload="blocks") < 9
    assert peak("qwen-edit") > 40
    assert peak("qwen-edit", offload="blocks") < 17


@pytest.mark.parametrize(("name", "memory"), [("klein", 11.6), ("klein", 24), ("qwen-edit", 48)])
def test_a_card_that_has_room_is_not_refused(name, memory):
    check_edit_memory(config(name), card(memory))


@pytest.mark.parametrize(
    ("name", "memory", "hint"),
    [
        ("klein", 10, "choose --set drawer.offload=blocks, weights that are quantised or a larger machine"),
        ("klein", 8, "choose weights that are quantised or a larger machine"),
        ("qwen-edit", 24, "choose --set drawer.offload=blocks, weights that are quantised, a smaller drawer (--drawer"),
        ("qwen-edit", 12, "choose weights that are quantised, a smaller drawer (--drawer klein)"),
    ],
)
def test_a_card_that_is_too_small_is_told_what_fits(name, memory, hint):
    with pytest.raises(BackendError, match=f'drawer "{name}" takes') as raised:
        check_edit_memory(config(name), card(memory))
    assert raised.value.hint.startswith(hint)


def test_main_memory_holds_drawer_and_base(monkeypatch):
    monkeypatch.setattr(edit_memory, "memory", lambda: 32.0)
    check_edit_memory(config("klein"), card(24))
    with pytest.raises(BackendError, match="of main memory, there is 32"):
        check_edit_memory(config("qwen-edit", offload="blocks"), card(24))
    with pytest.raises(BackendError, match="of main memory"):
        check_edit_memory(config("klein"), Accelerator("cpu", "cores", 32.0))


def test_two_drawers_that_share_a_run_are_in_main_memory_together(monkeypatch):
    large, blocks = card(24), {"offload": "blocks"}
    for name, there in (("klein", 16.0), ("qwen-edit", 64.0)):
        monkeypatch.setattr(edit_memory, "memory", lambda there=there: there)
        check_edit_memory(config(name, **blocks), large)
    with pytest.raises(BackendError, match=r'drawers "klein", "qwen-edit" and base "sdxl" take 68\.\d GB') as raised:
        check_edit_memory(config("klein", "qwen-edit", **blocks), large)
    assert raised.value.hint == ("choose one drawer (--drawer klein), weights that are quantised or a larger machine")
    monkeypatch.setattr(edit_memory, "memory", lambda: 80.0)
    check_edit_memory(config("klein", "qwen-edit", **blocks), large)
    with pytest.raises(BackendError, match=r"take 1[34]\d\.\d GB of main memory"):
        check_edit_memory(config("klein", "qwen-edit", **blocks), Accelerator("cpu", "cores", 80.0))


def test_other_drawers_take_nothing():
    assert edit_stages(None, card(8)) == {}
    check_edit_memory(load("sdxl"), card(8))
