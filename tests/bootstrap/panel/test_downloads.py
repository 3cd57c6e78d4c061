"""Models that can be fetched: pinned, whole or not at all, on consent; and where a panel finds them."""

import hashlib
import io
from dataclasses import replace

import pytest

from bootstrap.backends.reference_files import missing_of_reference
from bootstrap.backends.reference_settings import ReferenceSettings
from bootstrap.config import embedded, load, load_panel, reference_named, shipped_names, shipped_views
from bootstrap.errors import BackendError, OutputError
from bootstrap.machine.inventory import Accelerator
from bootstrap.panel import face_packs as packs
from bootstrap.panel.availability import blind_spots, missing_models, offers, unread_sides
from bootstrap.panel.downloads import MODELS, ModelFile, fetch_model, fetched_by, located, model_named
from bootstrap.runs.run_models import check_base_files
from scoring.tagger import TaggerModel

VIEW_FAMILIES = tuple(shipped_views("standard").families)
GRAPH, TAGS = b"a graph", b"name\n1girl\n"


def pinned(name, data):
    return ModelFile(name, len(data), hashlib.sha256(data).hexdigest())


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A model as those that are shipped, small, and a network that has it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    model = replace(MODELS[1], files=(pinned("v3/model.onnx", GRAPH), pinned("selected_tags.csv", TAGS)))
    served = {model.url_of(file): data for file, data in zip(model.files, (GRAPH, TAGS), strict=True)}
    monkeypatch.setattr(packs, "open_address", lambda url: io.BytesIO(served[url]))
    return model, served


def test_a_model_lies_flat_where_a_panel_looks_for_it(tiny):
    model, _ = tiny
    assert not located(model.name).exists()
    folder = fetch_model(model)
    assert folder == located(model.name)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "model.onnx": GRAPH,
        "selected_tags.csv": TAGS,
    }
    with pytest.raises(OutputError, match="exists already"):
        fetch_model(model)


@pytest.mark.parametrize(
    ("data", "said"), [(b"another", "is not the pinned"), (b"a longer graph", "more than"), (None, "timed out")]
)
def test_what_is_not_as_pinned_is_not_kept(tiny, data, said):
    model, served = tiny

    def address(url):
        if data is None:
            raise TimeoutError("timed out")
        return io.BytesIO(data if url.endswith("model.onnx") else served[url])

    with pytest.raises(OutputError, match=said):
        fetch_model(model, address)
    assert list(located(model.name).parent.iterdir()) == []


def test_every_model_is_pinned_to_a_revision_and_a_hash():
    for model in MODELS:
        assert len(model.revision) == 40
        assert all(len(file.sha256) == 64 and file.size > 0 for file in model.files)
        assert model.licence
        assert all(model.revision in model.url_of(file) for file in model.files)
        assert model_named(model.name) is model


def test_doctor_asks_before_it_fetches(tiny, call, monkeypatch):
    model, _ = tiny
    monkeypatch.setattr("bootstrap.cli.doctor.accelerator", lambda: packs)  # never reached: the licence comes first
    monkeypatch.setattr("bootstrap.panel.downloads.MODELS", (model,))
    refused = call("doctor", "--fetch", model.name)
    assert refused.code == 2
    assert "Apache-2.0" in refused.out
    assert model.revision in refused.out
    assert f"bootstrap doctor --fetch {model.name} --yes" in refused.err
    assert not located(model.name).exists()


def test_doctor_names_what_it_fetched_by_its_hash(tiny, call, monkeypatch):
    model, _ = tiny
    monkeypatch.setattr("bootstrap.cli.doctor.accelerator", lambda: Accelerator("cpu", "a test", 8.0))
    monkeypatch.setattr("bootstrap.panel.downloads.MODELS", (model,))
    done = call("doctor", "--fetch", model.name, "--yes")
    assert done.code == 0, done.err
    assert hashlib.sha256(GRAPH).hexdigest() in done.out
    assert f"--set panel.models.tagger.model={model.name}" in done.out
    assert "is there already" in call("doctor", "--fetch", model.name, "--yes").out


def test_a_name_that_cannot_be_fetched_is_answered_with_those_that_can(call):
    done = call("doctor", "--fetch", "ccip")
    assert done.code == 2
    for word in ("ccip-caformer-24-randaug-pruned", "buffalo_l", "wd-swinv2-tagger-v3"):
        assert word in done.err


def test_a_panel_names_each_model_that_is_missing_and_how_to_get_it(tiny):
    told = dict(missing_models(load_panel("drawn")))
    ways = {what.partition(":")[0]: how for what, how in told.items()}
    assert set(ways) == {
        "models.clip.model",
        "models.tagger.model",
        "scorers.ccip.model",
        "scorers.dino.model",
        "scorers.held-out.model",
    }
    assert (
        ways["models.tagger.model"] == "bootstrap doctor --fetch wd-swinv2-tagger-v3, or --set panel.models.tagger=none"
    )
    assert ways["scorers.dino.model"] == "hf download facebook/dinov2-base, or --set panel.scorers.dino=none"
    assert {what.partition(":")[0] for what, _ in missing_models(load_panel("photo"))} == {
        "models.clip.model",
        "models.face.pack",
        "scorers.dino.model",
        "scorers.held-out.model",
    }
    assert missing_models(load_panel("puppet")) == missing_models(load_panel("fake")) == []


def test_a_model_that_is_there_is_not_missing(tiny):
    model, _ = tiny
    fetch_model(model)
    assert "models.tagger.model" not in {what.partition(":")[0] for what, _ in missing_models(load_panel("drawn"))}


def test_a_detector_of_drawn_faces_is_offered_and_named_when_it_is_wanted(tiny, call, monkeypatch):
    monkeypatch.setattr("bootstrap.cli.doctor.accelerator", lambda: Accelerator("cpu", "a test", 8.0))
    shipped = model_named("face_detect_v1.4_s")
    model = replace(shipped, files=(pinned(shipped.files[0].path, GRAPH),))
    monkeypatch.setattr(packs, "open_address", lambda url: io.BytesIO(GRAPH))
    monkeypatch.setattr("bootstrap.panel.downloads.MODELS", (model,))
    use, fetching = f"--set panel.models.face.pack={model.name}", f"bootstrap doctor --fetch {model.name}"
    (line,) = offers(load_panel("drawn"))
    assert line.endswith(f"{fetching}, then add {use}")
    checked = call("check", "none.png", "--base", "illustrious")
    assert f"note: {line}" in checked.out
    wanted = load("illustrious", overrides=[use.removeprefix("--set ")]).panel
    assert dict(missing_models(wanted))[f"models.face.pack: '{model.name}' is not on this machine"].startswith(fetching)
    done = call("doctor", "--fetch", model.name, "--yes")
    assert "AGPL-3.0" in done.out
    assert f"use it with {use}" in done.out
    assert f"drawn: faces are neither compared nor counted; to do so: add {use}" in done.out
    assert not [what for what, _ in missing_models(wanted) if "models.face" in what]
    assert offers(wanted) == offers(load_panel("photo")) == offers(load_panel("puppet")) == []


def test_blind_spots_are_the_families_that_no_scorer_was_shown_to_judge():
    assert blind_spots(load_panel("puppet"), VIEW_FAMILIES) == []
    identity, view = blind_spots(load_panel("drawn"), VIEW_FAMILIES)
    assert identity.startswith("no qualified scorer of identity: behind, above, below; there ccip and dino judge")
    assert view == "no qualified scorer of the view itself: three-quarter; there view judges unproven"
    drawn = load_panel("drawn")
    without = drawn.model_copy(update={"models": drawn.models.model_copy(update={"tagger": TaggerModel()})})
    assert (
        f"of the view itself: {', '.join(VIEW_FAMILIES)}; there view judges" in blind_spots(without, VIEW_FAMILIES)[1]
    )
    nobody = drawn.model_copy(update={"scorers": {}})
    assert blind_spots(nobody, ["front"])[0] == "no qualified scorer of identity: front"


def test_a_panel_that_cannot_tell_left_from_right_says_so():
    views = shipped_views("standard")
    assert unread_sides(load_panel("puppet"), views) == []
    (line,) = unread_sides(load_panel("drawn"), views)
    assert line.startswith("no scorer tells left from right: three-quarter, profile")


@pytest.mark.parametrize("name", shipped_names("scoring"))
def test_scorers_of_shipped_panels_name_families_that_there_are(name):
    assert load_panel(name).unknown_families(VIEW_FAMILIES) == []


REFERENCES = [model for model in MODELS if not model.setting]


def test_every_shipped_reference_adapter_can_be_fetched_with_its_image_encoder():
    with_files = [name for name in shipped_names("references") if reference_named(name)["path"]]
    assert [model.name for model in REFERENCES] == with_files
    for model in REFERENCES:
        preset = reference_named(model.name)
        files = {file.path for file in model.files}
        encoder = preset["image_encoder"]
        assert files == {preset["file"], f"{encoder}/config.json", f"{encoder}/model.safetensors"}
        assert model.repository == preset["path"]
        assert model.licence == preset["license"]


def test_fetched_references_are_found_and_share_an_image_encoder(tiny, call, monkeypatch):
    monkeypatch.setattr("bootstrap.cli.doctor.accelerator", lambda: Accelerator("cpu", "a test", 8.0))
    content = {"models/image_encoder/config.json": b"{}", "models/image_encoder/model.safetensors": b"weights"}
    small, asked = [], []
    for model in REFERENCES:
        files = {file.path: content.get(file.path, model.name.encode()) for file in model.files}
        small.append(replace(model, files=tuple(pinned(path, data) for path, data in files.items())))
        content |= files
    monkeypatch.setattr("bootstrap.panel.downloads.MODELS", small)
    monkeypatch.setattr(
        packs,
        "open_address",
        lambda url: asked.append(url) or io.BytesIO(content[url.partition(model.revision)[2][1:]]),
    )
    refused = call("doctor", "--fetch", "sdxl-plus")
    assert refused.code == 2
    assert "licence    Apache-2.0" in refused.out
    assert "bootstrap doctor --fetch sdxl-plus --yes" in refused.err
    done = call("doctor", "--fetch", "sdxl-plus", "--yes")
    assert "use it with --reference sdxl-plus" in done.out
    assert "reference  sdxl-plus: usable" in done.out
    assert 'reference  sd15-plus: no "models/ip-adapter-plus_sd15.safetensors" (bootstrap doctor --fetch' in done.out
    assert call("doctor", "--fetch", "sd15-plus", "--yes").code == 0
    assert len(asked) == 4, "the image encoder is fetched once"
    for name in ("sd15-plus", "sdxl-plus"):
        settings = ReferenceSettings.model_validate(reference_named(name))
        assert missing_of_reference(settings, embedded(settings.path)) == ""


def test_a_run_without_the_files_is_told_the_command(tiny):
    config = load("puppet", own={"base": {"reference": reference_named("sd15-plus")}})
    with pytest.raises(BackendError, match='no "models/ip-adapter-plus_sd15') as told:
        check_base_files(config.base)
    assert "bootstrap doctor --fetch sd15-plus fetches it, or draw from words" in told.value.hint
    assert fetched_by("h94/IP-Adapter", "models/another.safetensors") == ""
