"""The run of two played rounds, with its configuration."""

import pytest

from tests.bootstrap.two_rounds import two_rounds


@pytest.fixture
def store(tmp_path):
    with two_rounds(tmp_path / "run") as run:
        yield run
