"""The table of architectures: facts without a model library, presets that exist, nothing that asks for a name."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap.backends.architectures import ARCHITECTURES, grammars
from bootstrap.config import shipped_names

ROOT = Path(__file__).parents[3]
ROOMS = ("bootstrap", "loops")


def test_the_facts_load_no_model_library():
    heavy = "{'torch', 'diffusers', 'transformers', 'peft'}"
    code = f"import sys, bootstrap.backends.presets; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_every_architecture_has_presets_and_every_real_preset_an_architecture():
    found = set()
    for architecture in ARCHITECTURES.values():
        presets = architecture.presets
        found |= {presets.plain, presets.velocity, presets.drawings, *presets.finetunes.values()}
    assert found - {""} == set(shipped_names("base")) - {"puppet"}


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_an_architecture_and_its_grammar_go_by_one_name(name):
    architecture = ARCHITECTURES[name]
    assert (architecture.name, architecture.grammar.architecture) == (name, name)
    assert architecture.grammar in grammars()
    assert len(architecture.grammar.modules()) == 1 + len(architecture.text_encoders)
    assert set(architecture.grammar.parts) >= {architecture.denoiser, *architecture.text_encoders}


def test_only_its_own_file_names_an_architecture():
    names = "|".join(ARCHITECTURES)
    asking = re.compile(rf"""(==|!=|\bin) *[\[\({{]?["']({names})["']|ARCHITECTURES\[["']""")
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            assert not asking.search(path.read_text(encoding="utf-8")), path
