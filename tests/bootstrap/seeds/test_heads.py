"""A head that stands aside of where its framing has it is remembered; the rule of thumb stays where it holds."""

import pytest
from PIL import Image

from bootstrap.config import load
from bootstrap.records import Seed
from bootstrap.seeds.heads import with_head
from bootstrap.store import rows
from scoring.faces_found import FoundFace

PANEL = load("puppet").panel
IMAGE = Image.new("RGB", (400, 400))


def seed(framing="full body"):
    return Seed("p", "h", "s", "front", "front", framing, "default", (), "read")


class Faces:
    """One face, or none."""

    def __init__(self, box, sure=0.9):
        self.found = [FoundFace(box, 40.0, sure, 0.0, None)] if box else []

    def faces(self, picture):
        return self.found


def test_a_head_aside_is_remembered_and_survives_the_store():
    found = with_head(seed(), IMAGE, Faces((0.75, 0.12, 0.85, 0.22)), PANEL)
    left, top, right, bottom = found.head
    assert left < 0.75
    assert right > 0.85
    assert top < 0.12
    assert bottom > 0.22
    assert rows.seed_from(rows.text_of(found)) == found


def test_a_seed_of_an_older_run_has_no_head():
    text = rows.text_of(seed()).replace(',"head":null', "")
    assert '"head"' not in text
    assert rows.seed_from(text) == seed()


@pytest.mark.parametrize(
    "faces",
    [
        Faces(None),
        Faces((0.75, 0.12, 0.85, 0.22), sure=0.2),
        Faces(PANEL.composition["full body"]["head"]),
        Faces((0.41, 0.28, 0.59, 0.48)),
    ],
    ids=["none", "unsure", "head as composed", "face within it"],
)
def test_else_the_composition_holds(faces):
    assert with_head(seed(), IMAGE, faces, PANEL) == seed()


def test_without_a_framing_any_sure_face_says_where_the_head_is():
    assert with_head(seed(""), IMAGE, Faces((0.41, 0.28, 0.59, 0.48)), PANEL).head is not None


def test_where_no_face_is_seen_a_panel_that_cuts_heads_by_faces_does_not_trust_its_composition():
    by_faces = PANEL.model_copy(update={"heads": "face"})
    noise = Image.effect_noise((400, 400), 80).convert("RGB")
    assert not with_head(seed(), noise, Faces(None), by_faces).head_known
    assert with_head(seed(), noise, Faces(PANEL.composition["full body"]["head"]), by_faces) == seed()
