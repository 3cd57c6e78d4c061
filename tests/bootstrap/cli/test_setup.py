"""`bootstrap setup`: one question for all, everything verified, or a panel of what is here. The network is played."""

import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from bootstrap.config import load
from bootstrap.errors import OutputError
from bootstrap.panel import downloads
from bootstrap.panel import face_packs as packs
from bootstrap.panel.availability import missing_models, smaller, unjudged
from bootstrap.panel.downloads import HUB, MODELS, ModelFile, model_named
from bootstrap.panel.hub_models import stated_model
from scoring.color_histograms import ColorHistograms

RUBY = Path(__file__).parents[3] / "configs" / "characters" / "ruby"
BASE = ["--base", "puppet", "--set", "base.scoring=drawn"]
PLAIN = (
    "laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K",
    "laion/CLIP-convnext_base_w-laion2B-s13B-b82K",
    "facebook/dinov2-base",
)
WEIGHTS, SETTINGS = b"weights", b'{"model_cfg": {}}'


def stated(repository):
    """What the hub answers about a repository."""
    name = "model.safetensors" if "dino" in repository else "open_clip_model.safetensors"
    settings = "config.json" if "dino" in repository else "open_clip_config.json"
    blob = hashlib.sha1(b"blob %d\0" % len(SETTINGS) + SETTINGS).hexdigest()
    sha256 = hashlib.sha256(WEIGHTS).hexdigest()
    return {
        "sha": "ab" * 20,
        "cardData": {"license": "mit"},
        "siblings": [
            {"rfilename": name, "size": len(WEIGHTS), "blobId": "0", "lfs": {"sha256": sha256, "size": len(WEIGHTS)}},
            {"rfilename": settings, "size": len(SETTINGS), "blobId": blob},
            {"rfilename": "pytorch_model.bin", "size": 9, "blobId": "0", "lfs": {"sha256": "0"}},
        ],
    }


@pytest.fixture
def network(tmp_path, monkeypatch):
    """Address → what lies there: the models of the drawn panel, small. Nothing is on this machine."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    served = {}
    models = []
    for model in MODELS:
        files = [ModelFile(one.path, 7, hashlib.sha256(WEIGHTS).hexdigest()) for one in model.files]
        models.append(replace(model, files=tuple(files)))
        served |= {model.url_of(one): WEIGHTS for one in files}
    monkeypatch.setattr(downloads, "MODELS", tuple(models))
    for repository in PLAIN:
        about = stated(repository)
        served[f"{HUB}/api/models/{repository}?blobs=true"] = json.dumps(about).encode()
        for one in about["siblings"]:
            data = WEIGHTS if "lfs" in one else SETTINGS
            served[f"{HUB}/{repository}/resolve/{about['sha']}/{one['rfilename']}"] = data

    def address(url):
        if url not in served:
            raise OSError("no answer")
        return io.BytesIO(served[url])

    monkeypatch.setattr(packs, "open_address", address)
    return served


def test_one_consent_fetches_and_verifies_everything_and_tells_what_a_run_takes(network, call):
    asked = call("setup", *BASE)
    assert asked.code == 2
    for name in (*PLAIN, "ccip-caformer-24-randaug-pruned", "wd-swinv2-tagger-v3", "face_detect_v1.4_s; optional"):
        assert name.partition(";")[0] in asked.out
    for said in ("in total", "licence mit", "licence Apache-2.0"):
        assert said in asked.out
    assert "--yes" in asked.err
    assert "--offline" in asked.err
    assert missing_models(load("puppet", overrides=[BASE[-1]]).panel)
    done = call("setup", *BASE, "--yes")
    assert done.code == 0, done.err
    assert hashlib.sha256(WEIGHTS).hexdigest() in done.out
    assert "every scorer is on this machine" in done.out
    for line in ("work ", "room ", "device "):
        assert f"\n{line}" in done.out
    use = "--set panel.models.face.pack=face_detect_v1.4_s"
    assert done.out.endswith(f"bootstrap run seed.png character.json {' '.join(BASE)} {use}\n")
    assert missing_models(load("puppet", overrides=[BASE[-1], use.removeprefix("--set ")]).panel) == []
    assert "fetched" not in call("setup", *BASE, "--yes").out


@pytest.mark.parametrize(("answer", "taken"), [("n", False), ("y", True)])
def test_a_person_is_asked_once(network, call, monkeypatch, answer, taken):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal(f"{answer}\n"))
    done = call("setup", *BASE)
    assert done.code == 0
    assert done.out.count("Accept these licences and download?") == 1
    assert (missing_models(load("puppet", overrides=[BASE[-1]]).panel) == []) == taken
    assert ("panel.on_missing=smaller" in done.out) != taken


def test_a_reference_adapter_is_fetched_with_the_panel(network, call):
    call("setup", "--base", "puppet", "--reference", "sd15-plus", "--yes")
    assert model_named("sd15-plus").missing == []


@pytest.mark.parametrize("harm", ["another", "cut", "silent"])
def test_what_is_not_as_stated_is_not_kept_and_the_smaller_panel_is_told(network, call, harm):
    (weights,) = [url for url in network if url.endswith("/model.safetensors") and "dino" in url]
    if harm == "silent":
        del network[f"{HUB}/api/models/facebook/dinov2-base?blobs=true"]
    else:
        network[weights] = b"anothe!" if harm == "another" else b"weig"
    done = call("setup", *BASE, "--yes")
    assert done.code == 1
    assert "facebook" in done.line
    assert "ccip (identity)" in done.out
    assert "dino" not in done.out[done.out.index("smaller ") :].partition("next")[0]
    assert "--set panel.on_missing=smaller" in done.out
    assert [what.partition(":")[0] for what, _ in missing_models(load("puppet", overrides=[BASE[-1]]).panel)] == [
        "scorers.dino.model"
    ]


def test_weights_in_another_format_are_refused(network):
    url = f"{HUB}/api/models/a/b?blobs=true"
    network[url] = json.dumps({"sha": "0", "siblings": [{"rfilename": "a.bin", "size": 1, "blobId": "0"}]}).encode()
    with pytest.raises(OutputError, match="safetensors"):
        stated_model("a/b")


def test_without_a_network_the_panel_of_what_is_here_is_told_and_works(network, call, tmp_path):
    network.clear()
    told = call("setup", *BASE, "--offline")
    assert told.code == 0
    for said in ("clip (identity)", "colours alone", "view and pose", "the named traits", "captions", "held-out",
                 "no qualified scorer of identity: front, three-quarter, profile, behind, above, below"):  # fmt: skip
        assert said in told.out
    panel = load("puppet", overrides=[BASE[-1]]).panel
    assert unjudged(panel) == ""
    assert missing_models(smaller(panel)) == []
    assert smaller(smaller(panel)) == smaller(panel)


@pytest.mark.parametrize("command", ["check", "run", "init"])
def test_commands_that_need_the_panel_name_the_one_command(network, call, command, tmp_path):
    rest = [RUBY / "character.json", *BASE, "--out", tmp_path / "run"]
    if command == "init":
        rest = ["--base", "illustrious", "--out", tmp_path / "character.json"]
    words = [command, RUBY / "seed.png", *rest]
    done = call(*words)
    assert "bootstrap setup --base" in done.out + done.err
    assert done.code == (0 if command == "init" else 2)
    if command != "init":
        assert "does not judge" in call("check", *words[1:], "--set", "panel.on_missing=smaller").out


def test_colours_tell_palettes_apart_wherever_they_are_and_read_no_word():
    encoder, plain = ColorHistograms(), Image.new("RGB", (40, 40), "navy")
    left, right = plain.copy(), plain.copy()
    left.paste("red", (0, 0, 10, 40))
    right.paste("red", (30, 0, 40, 40))
    one, other, stranger = encoder.embed([left, right, Image.new("RGB", (40, 40), "green")])
    assert float(one @ other) == pytest.approx(1, abs=1e-3)
    assert float(one @ stranger) == 0
    words = encoder.embed_words(["cat ears", "fox ears"])
    assert (words[0] == words[1]).all()


def test_a_run_goes_on_with_the_panel_that_it_was_begun_with(network, call):
    panel = load("puppet", overrides=[BASE[-1]]).panel
    begun = smaller(panel)
    call("setup", *BASE, "--yes")
    assert smaller(panel) == panel
    assert smaller(panel, begun) == begun
    network.clear()
    assert smaller(panel, panel) == panel
