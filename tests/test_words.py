"""One word for one thing: names that are exported once, and words of the vocabulary that keep a single meaning."""

import ast
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted(path for room in ("bootstrap", "scoring", "loops") for path in (ROOT / room).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
TREES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text()) for path in FILES}
TWO_MEANINGS = {
    r"(?<!view_)(?<!View)family": "a stratum of views is a view family, a kind of model an architecture",
    r"(?<!random_)seed_of|^seed_number$": "a seed is a picture, a number is a random seed",
    r"teach|taught|lesson|learn": "a LoRA is trained, verdicts are fitted",
    r"probe.*scorer|preview_panel|test_panel": "a panel are scorers, a fixed set of shots is a probe",
    r"(human|timed|person|set|open|ask|close)_?gate|gate_?(setting|passed|closed|opened)":
        "the gate is statistics, a person gives approval",
    r"false_accept": "the gate has a level, which is no error rate",
}  # fmt: skip
"""Pattern of an exported name → why it is none of ours."""
ALLOWED = {"learning_rate", "scoring/learning"}
"""Standard terms of the field that a pattern would catch."""
MOST_PRIVATE = 20
"""Private attributes of ours that all tests together may touch."""
COMPREHENSIONS, CONDITIONALS = 52.2, 24.0
"""Per 1,000 lines, before the bodies were unfolded: both stay below."""


def exported(tree):
    """The public names that a module defines at its top level."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (one.id for one in targets if isinstance(one, ast.Name) and not one.id.startswith("_"))


def fields(tree):
    """The public fields and methods of a module's classes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for part in node.body:
                if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                    yield part.target.id
                elif isinstance(part, ast.FunctionDef) and not part.name.startswith("_"):
                    yield part.name


def test_a_public_class_has_a_name_of_its_own():
    places = defaultdict(list)
    for path, tree in TREES.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(path)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_a_file_has_a_name_of_its_own():
    """Command files (bootstrap/cli) are named after their command, which is often the thing itself."""
    places = defaultdict(list)
    for path in TREES:
        name = Path(path).name
        if name not in ("__init__.py", "__main__.py") and not path.startswith("bootstrap/cli/"):
            places[name].append(path)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


@pytest.mark.parametrize(("pattern", "why"), TWO_MEANINGS.items(), ids=list(TWO_MEANINGS))
def test_a_word_of_the_vocabulary_has_one_meaning(pattern, why):
    found = {
        (path, name)
        for path, tree in TREES.items()
        for name in (*exported(tree), *fields(tree))
        if re.search(pattern, name, re.IGNORECASE) and name.lower() not in ALLOWED and path not in ALLOWED
    }
    assert not found, why


def test_tests_use_what_is_public():
    touched = Counter()
    for path in TESTS:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Attribute) or not re.fullmatch(r"_[a-z]\w*", node.attr):
                continue
            if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")):
                touched[path.relative_to(ROOT).as_posix()] += 1
    assert touched.total() <= MOST_PRIVATE, touched


def test_code_is_not_folded():
    lines = comprehensions = conditionals = 0
    for path, tree in TREES.items():
        lines += (ROOT / path).read_text().count("\n")
        for node in ast.walk(tree):
            comprehensions += isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp)
            conditionals += isinstance(node, ast.IfExp)
    assert 1000 * comprehensions / lines < COMPREHENSIONS
    assert 1000 * conditionals / lines < CONDITIONALS
