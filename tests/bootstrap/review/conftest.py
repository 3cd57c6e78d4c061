"""A client of the review page of the small run, with the headers of our own script."""

import pytest
from starlette.testclient import TestClient

from bootstrap.records import JobKind
from bootstrap.review.web_app import build

HOSTS = frozenset({"testserver"})


@pytest.fixture
def client(store):
    """Headers as our script sends them."""
    with TestClient(build(store, HOSTS), headers={"x-review": "1"}) as one:
        yield one


@pytest.fixture
def ids(store):
    return [frame.job.id for frame in store.frames(kind=JobKind.CANDIDATE)]
