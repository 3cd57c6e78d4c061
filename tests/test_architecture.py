"""The rules of the house: who may import whom, how long things may be, what may not be in engine code."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("bootstrap", "scoring", "loops")
FILES = sorted(path for room in OURS for path in (ROOT / room).rglob("*.py"))
LONGEST_BODY, LONGEST_FILE = 40, 400
ROOMS = (
    "errors", "records", "events", "store", "pictures", "machine", "training", "lora", "backends", "config",
    "character", "captions", "shots", "seeds", "readers", "panel", "retouch", "dataset", "runs", "studio", "report",
    "review", "listeners", "export", "compare", "cli",
)  # fmt: skip
"""Rooms and loose files of `bootstrap`, lowest first: an import goes to the same room or to an earlier one."""
UPWARD: dict[tuple[str, str], str] = {}
"""Imports that run upward all the same: (importing module, imported room) → the reason."""
MOST_UPWARD, MOST_ROOMS, MOST_LOOSE = 5, 25, 6
VERSION = {"bootstrap"}
"""Modules of no room that any room may import: the package itself, for its version."""


def module_of(path):
    """The dotted name of a file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


def imports(path):
    """Every module that a file imports, also inside functions; ``from package import module`` names the module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            for alias in node.names:
                full = f"{source}.{alias.name}"
                yield full if full in MODULES else source


IMPORTS = {module: set(imports(path)) for module, path in MODULES.items()}


def top(module):
    """The top-level package of a module."""
    return module.split(".")[0]


def room(module):
    """The room of a module of `bootstrap`."""
    return module.split(".")[1]


def inside(module):
    """Whether a module of `bootstrap` belongs to a room of the ordered list."""
    return top(module) == "bootstrap" and module.count(".") >= 1 and room(module) in ROOMS


def test_knowledge_flows_one_way():
    for module, imported in IMPORTS.items():
        known = {top(name) for name in imported} & set(OURS)
        allowed = {"scoring": {"scoring"}, "bootstrap": {"bootstrap", "scoring"}, "loops": set(OURS)}[top(module)]
        if module.startswith("bootstrap.cli"):
            allowed = set(OURS)
        assert known <= allowed, f"{module} imports {known - allowed}"


def test_no_import_runs_up_through_the_rooms():
    found = {
        (module, room(name))
        for module, imported in IMPORTS.items()
        for name in imported
        if inside(module) and inside(name) and ROOMS.index(room(name)) > ROOMS.index(room(module))
    }
    assert found == set(UPWARD)
    assert len(UPWARD) <= MOST_UPWARD
    assert all(UPWARD.values())


def test_no_imports_go_in_a_circle():
    graph = {module: {name for name in imported if name in MODULES} - {module} for module, imported in IMPORTS.items()}
    for module in graph:
        graph[module] -= {name for name in graph[module] if module.startswith(f"{name}.") and name in VERSION}
    try:
        tuple(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        pytest.fail(f"imports go in a circle: {' -> '.join(error.args[1])}")


def test_every_room_has_its_place():
    loose = {path.name for path in (ROOT / "bootstrap").glob("*.py")}
    rooms = {path.parent.name for path in (ROOT / "bootstrap").glob("*/__init__.py")}
    assert len(loose) <= MOST_LOOSE
    assert len(rooms) <= MOST_ROOMS
    placed = {name.removesuffix(".py") for name in loose - {"__init__.py", "__main__.py"}} | rooms - {"puppets"}
    assert placed == set(ROOMS)


def test_the_product_imports_nothing_of_the_embedded_world():
    for module, imported in IMPORTS.items():
        if not module.startswith("bootstrap.puppets"):
            assert not {name for name in imported if name.startswith("bootstrap.puppets")}, module


def test_loops_import_no_model_library():
    heavy = {"torch", "diffusers", "peft", "transformers", "open_clip", "insightface"}
    for module, imported in IMPORTS.items():
        if top(module) == "loops":
            assert not {top(name) for name in imported} & heavy, module


def body_lines(node):
    """Lines of a function without its docstring."""
    body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
    return node.end_lineno - body[0].lineno + 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sizes_docstrings_and_silence(path):
    text = path.read_text()
    tree = ast.parse(text)
    assert text.count("\n") <= LONGEST_FILE
    assert ast.get_docstring(tree), "a module opens with what it is for"
    assert path.stem not in {"utils", "helpers", "common", "misc"}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert body_lines(node) <= LONGEST_BODY, node.name
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print", f"line {node.lineno}"


def test_no_init_below_tests():
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_importing_and_helping_load_no_torch():
    code = "import sys, bootstrap, bootstrap.cli.app; sys.exit('torch' in sys.modules or 'diffusers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
