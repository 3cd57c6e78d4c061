"""The rules of the house: who may import whom, how long things may be, what may not be in engine code."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted(path for room in ("bootstrap", "scoring", "loops") for path in (ROOT / room).rglob("*.py"))
LONGEST_BODY, LONGEST_FILE = 40, 400
ours = ("bootstrap", "scoring", "loops")


def imports(path):
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def room(path):
    return path.relative_to(ROOT).parts[0]


def test_knowledge_flows_one_way():
    for path in FILES:
        known = {name.split(".")[0] for name in imports(path)} & set(ours)
        allowed = {"scoring": {"scoring"}, "bootstrap": {"bootstrap", "scoring"}, "loops": set(ours)}[room(path)]
        if "cli" in path.parts:
            allowed = set(ours)
        assert known <= allowed, f"{path} imports {known - allowed}"


def test_loops_import_no_model_library():
    heavy = {"torch", "diffusers", "peft", "transformers", "open_clip", "insightface"}
    for path in FILES:
        if room(path) == "loops":
            assert not {name.split(".")[0] for name in imports(path)} & heavy, path


def body_lines(node):
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
