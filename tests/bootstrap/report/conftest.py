"""The run of two played rounds, with its configuration."""

import pytest

from bootstrap.config import load
from tests.bootstrap.two_rounds import two_rounds


@pytest.fixture
def store(tmp_path):
    with two_rounds(tmp_path / "run") as run:
        run.remember("config", load("puppet").model_dump_json())
        yield run
