"""A LoRA as other people get it: files that programs load, their metadata and the card."""

from __future__ import annotations

import ast
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import yaml
from huggingface_hub import ModelCard
from PIL import Image
from safetensors.numpy import load_file

from bootstrap.backends.architectures.sd1 import SD1
from bootstrap.backends.architectures.sdxl import SDXL
from bootstrap.backends.base_weights import BaseWeights
from bootstrap.captions.wording import Wording
from bootstrap.character import Character, stored_character
from bootstrap.config import RunConfig, embedded, load
from bootstrap.dataset.generated import GeneratedFrames
from bootstrap.errors import StoreError
from bootstrap.export.card import card
from bootstrap.export.card_use import ReleaseFiles
from bootstrap.export.collection import Collection
from bootstrap.export.licences import LICENSE_FILE, LICENSES
from bootstrap.export.release import publish, release_of, write_diffusers, write_kohya
from bootstrap.lora import Lora, kohya_names, metadata_for, metadata_of, save_kohya
from bootstrap.lora.kinds import Dora, Hada, Kron
from bootstrap.records import Adapter, JobKind, TrainItem, VerdictKind
from bootstrap.runs.status import status
from bootstrap.store.decisions import Accepted
from bootstrap.store.files import sha256_of
from bootstrap.store.store import Store

FILES = ReleaseFiles("a.safetensors", "b")


@pytest.fixture
def kohya(store: Store, config: RunConfig, character: Character, trained: list[TrainItem]) -> Path:
    generated = GeneratedFrames(store.directory, store.kept(), (), store.measurements())
    frames = generated.items(config, Wording.of(character, config), "character")
    Collection(store, config, character, store.kept(), (), [*trained, *frames]).write(store.directory / "dataset", 10)
    return publish(store, store.adapters()[-1], store.directory / "lora")


@pytest.fixture
def own_base(store: Store, config: RunConfig) -> RunConfig:
    """The run on a base of a person's own, which user interfaces can load."""
    path = str(embedded(config.base.path))
    base = config.base.model_copy(update={"path": path, "name": "sketchy", "demonstration": False})
    own = config.model_copy(update={"base": base})
    store.remember("config", own.model_dump_json())
    return own


def front_of(folder: Path) -> Mapping[str, object]:
    found: Mapping[str, object] = yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])
    return found


def test_the_folder_holds_every_format_and_what_user_interfaces_read_beside_it(kohya: Path, store: Store) -> None:
    stem = kohya.stem
    assert stem == f"mikachr-{store.adapters()[-1].sha256[:8]}"
    names = {path.name for path in kohya.parent.iterdir()}
    assert names == {f"{stem}.safetensors", f"{stem}.json", f"{stem}.png", "README.md", "previews",
                     "pytorch_lora_weights.safetensors"}  # fmt: skip
    about = json.loads(kohya.with_suffix(".json").read_text())
    assert about["activation text"] == "mikachr, 1girl, solo"
    assert about["sd version"] == "SD1"
    assert about["negative text"] == "glasses"
    changed = load("puppet", backend="fake", overrides=["loop.target=4", "base.negative=lowres, blurry"])
    store.remember("config", changed.model_dump_json())
    about = json.loads(publish(store, store.adapters()[-1], store.directory / "again").with_suffix(".json").read_text())
    assert about["negative text"] == "lowres, blurry, glasses"
    with Image.open(kohya.with_suffix(".png")) as preview:
        assert preview.size == (96, 96)


def test_the_published_file_is_the_trained_one_under_its_own_name(kohya: Path, store: Store) -> None:
    trained, shipped = load_file(store.directory / store.adapters()[-1].path), load_file(kohya)
    assert trained.keys() == shipped.keys()
    assert all((trained[key] == shipped[key]).all() for key in trained)
    plain = load_file(kohya.parent / "pytorch_lora_weights.safetensors")
    (down, up), (a, b) = sorted(trained.items())[1:], sorted(plain.items())
    assert (down[1] == a[1]).all()
    assert np.allclose(up[1] * 8, b[1])  # alpha 16 / rank 2


def test_the_metadata_says_what_user_interfaces_and_people_ask(kohya: Path, store: Store) -> None:
    facts = metadata_of(kohya)
    assert all(isinstance(value, str) for value in facts.values())
    asked = {
        "ss_output_name": kohya.stem, "ss_base_model_version": "sd_v1", "ss_network_module": "networks.lora",
        "ss_network_dim": "2", "ss_network_alpha": "16.0", "ss_steps": "100", "ss_resolution": "(96, 96)",
        "ss_num_train_images": "60", "ss_sd_model_name": "puppet", "ss_text_encoder_lr": "None",
        "modelspec.sai_model_spec": "1.0.1", "modelspec.architecture": "stable-diffusion-v1/lora",
        "modelspec.implementation": "diffusers", "modelspec.resolution": "96x96", "modelspec.title": "Mika (mikachr)",
        "modelspec.trigger_phrase": "mikachr", "modelspec.prediction_type": "epsilon",
        "modelspec.license": "CC-BY-4.0", "modelspec.author": "drawn by Ada",
    }  # fmt: skip
    assert {key: facts.get(key) for key in asked} == asked
    assert facts["modelspec.hash_sha256"] == f"0x{facts['sshs_model_hash']}"
    assert len(facts["sshs_legacy_hash"]) == 8
    assert facts["modelspec.thumbnail"].startswith("data:image/")
    finished = float(facts["ss_training_finished_at"])
    assert finished - float(facts["ss_training_started_at"]) == 60
    assert datetime.fromisoformat(facts["modelspec.date"]).timestamp() == finished


def test_the_tags_are_counted_folder_by_folder(kohya: Path) -> None:
    facts = metadata_of(kohya)
    tags, folders = json.loads(facts["ss_tag_frequency"]), json.loads(facts["ss_dataset_dirs"])
    night = "10_mikachr mikanight"  # all wear what has a trigger of its own
    assert folders == {"seeds": {"n_repeats": 10, "img_count": 3}, night: {"n_repeats": 10, "img_count": 3}}
    assert tags[night]["mikachr"] == 3
    assert tags[night]["forest"] == 2


def test_publishing_again_changes_no_byte(kohya: Path, store: Store) -> None:
    before = {path: path.read_bytes() for path in kohya.parent.rglob("*") if path.is_file()}
    publish(store, store.adapters()[-1], kohya.parent)
    assert {path: path.read_bytes() for path in before} == before


def test_an_earlier_round_says_nothing_of_the_finished_set(kohya: Path, store: Store) -> None:
    early = publish(store, store.adapters()[0], store.directory / "early")
    assert early.name != kohya.name
    assert "ss_tag_frequency" not in metadata_of(early)
    text = (early.parent / "README.md").read_text()
    assert "does not" not in text
    assert "The first of each view that were kept of what its round drew" in text


def test_the_card_is_one_that_the_hub_takes(kohya: Path) -> None:
    front = front_of(kohya.parent)
    assert front["license"] == "cc-by-4.0"
    assert front["base_model"] == "puppet"
    assert front["instance_prompt"] == "mikachr, 1girl, solo, blue hair, cat ears, white shirt"
    assert {"lora", "text-to-image", "diffusers"} <= set(front["tags"])  # type: ignore[call-overload]
    widget = front["widget"]
    assert isinstance(widget, list)
    assert len(widget) == 3
    for one in widget:
        assert (kohya.parent / one["output"]["url"]).is_file()
        assert one["text"].startswith("mikachr")
        assert one["parameters"] == {"negative_prompt": "lowres"}
    loaded = ModelCard.load(kohya.parent / "README.md")
    assert (loaded.data.license, loaded.data.base_model) == ("cc-by-4.0", "puppet")


def test_the_card_says_how_to_use_it_how_it_was_made_and_what_it_is_weak_at(kohya: Path) -> None:
    text = (kohya.parent / "README.md").read_text()
    for expected in (
        "load_lora_weights",
        "| 1 | style | 4 | 3 |",
        "**above**: no picture in the set",
        "`CC-BY-4.0`",
        "drawn by Ada",
        "mikanight",
        "these weights draw nothing",
    ):
        assert expected in text


def test_a_card_of_the_embedded_base_sends_nobody_to_programs_that_do_not_have_it(kohya: Path, store: Store) -> None:
    store.add_adapter(stored_adapter(store, dora_file(store)))
    for folder in (kohya.parent, publish(store, store.adapters()[-1], store.directory / "dora").parent):
        text = (folder / "README.md").read_text()
        for program in ("ComfyUI", "Forge", "A1111", "InvokeAI", "<lora:"):
            assert program not in text


def test_a_card_names_the_files_and_previews_that_lie_beside_it_alone(store: Store, own_base: RunConfig) -> None:
    early, late = store.adapters()
    for number, adapter in enumerate((early, late)):
        release = release_of(store, adapter)
        for writer, wanted in ((write_kohya, True), (write_diffusers, False)):
            folder = writer(release, store.directory / f"{number}{wanted}").parent
            text = (folder / "README.md").read_text()
            named = {*re.findall(r"[`\"(]([\w./-]+\.(?:safetensors|png))[`\")]", text)} - {"picture.png"}
            assert named
            assert all((folder / name).is_file() for name in named)
            assert ("put `" in text) == wanted
    shutil.rmtree(store.directory / "0True")
    bare = replace(release_of(store, early), previews=[])
    assert "`.png`" not in (write_kohya(bare, store.directory / "0True").parent / "README.md").read_text()


def test_weights_whose_captions_named_the_traits_are_called_by_them_everywhere(
    store: Store, own_base: RunConfig
) -> None:
    early, late = (publish(store, one, store.directory / one.id) for one in store.adapters())
    words = "mikachr, 1girl, solo, blue hair, cat ears, white shirt"
    text = (early.parent / "README.md").read_text()
    assert f"`{words} <lora:{early.stem}:1>`" in text
    assert f'prompt="{words}",' in text
    assert "the trigger alone draws somebody else" in text
    assert "finished LoRA" in text
    assert front_of(early.parent)["instance_prompt"] == words
    for one in front_of(early.parent)["widget"]:  # type: ignore[attr-defined]
        assert "blue hair" in one["text"] or "cat ears" in one["text"], "named where the view shows them"
    about = json.loads(early.with_suffix(".json").read_text())
    assert about["activation text"] == words
    assert words in metadata_of(early)["modelspec.usage_hint"]
    text = (late.parent / "README.md").read_text()
    assert f"`mikachr, 1girl, solo <lora:{late.stem}:1>`" in text
    assert "the trigger alone" not in text


def test_traits_that_the_previews_had_to_name_are_named_by_the_card(store: Store, own_base: RunConfig) -> None:
    release = release_of(store, store.adapters()[-1])
    first = release.previews[0]
    rare = replace(first, job=replace(first.job, traits={"ears": "cat ears"}))
    path = write_kohya(replace(release, previews=[rare]), store.directory / "rare")
    text = (path.parent / "README.md").read_text()
    assert "these traits named in the prompt: `cat ears`" in text
    assert f"`mikachr, 1girl, solo, cat ears <lora:{path.stem}:1>`" in text


def test_the_card_says_which_weight_the_run_found_best_and_only_of_the_weights_that_it_tried(
    store: Store, own_base: RunConfig
) -> None:
    early, late = store.adapters()
    summary = "use final-r02 at 0.8: identity 0.61, control 0.92; that is acceptable; at full weight it is worse"
    found = {"summary": summary, "strengths": ["it holds from front"], "weaknesses": [], "advice": []}
    store.decide(Accepted(late.id, "{}", 0.8, found))
    first, last = (publish(store, one, store.directory / one.id) for one in (early, late))
    text = (last.parent / "README.md").read_text()
    assert "**Recommended weight:** 0.8, found by the run's own trial: identity 0.61, control 0.92; that is" in text
    assert f"mikachr, 1girl, solo <lora:{last.stem}:0.8>" in text
    assert 'pipe.set_adapters("lora", 0.8)' in text
    assert "It holds from front." in text
    assert json.loads(last.with_suffix(".json").read_text())["preferred weight"] == 0.8
    text = (first.parent / "README.md").read_text()
    assert "**Recommended weight:** 1, as it was trained; no other was tried." in text
    assert "It holds from front." not in text


@pytest.mark.parametrize(
    ("licence", "front"),
    [
        ("CC BY-NC 4.0", {"license": "cc-by-nc-4.0"}),
        ("MIT License", {"license": "mit"}),
        ("GPLv3", {"license": "gpl-3.0"}),
        ("Creative Commons Attribution-ShareAlike 4.0 International", {"license": "cc-by-sa-4.0"}),
        ("CC0", {"license": "cc0-1.0"}),
        ("ask the artist", {"license": "other", "license_name": "ask-the-artist", "license_link": LICENSE_FILE}),
        (
            "own terms https://a.example/terms.",
            {"license": "other", "license_name": "own-terms", "license_link": "https://a.example/terms"},
        ),
        ("", {"license": "unknown"}),
    ],
)
def test_a_licence_is_written_as_the_hub_knows_it(
    store: Store, config: RunConfig, character: Character, licence: str, front: dict[str, str]
) -> None:
    own = character.model_copy(update={"license": licence})
    adapter = store.adapters()[-1]
    text = card(own, config, adapter, release_of(store, adapter).recipe, status(store), FILES)
    written = yaml.safe_load(text.split("---\n")[1])
    assert {key: value for key, value in written.items() if key.startswith("license")} == front
    assert written["license"] in LICENSES
    assert licence in text


def test_a_base_from_the_hub_is_named_by_its_owner_and_a_folder_by_its_name_alone(
    store: Store, config: RunConfig, character: Character
) -> None:
    adapter = store.adapters()[-1]
    for path, name, shown in (("ada/sketchy", "sketchy", "ada/sketchy"), ("/home/ada/m", "/home/ada/m", "m")):
        base = config.base.model_copy(update={"path": path, "name": name})
        own = config.model_copy(update={"base": base})
        text = card(character, own, adapter, {}, status(store), FILES)
        assert yaml.safe_load(text.split("---\n")[1])["base_model"] == shown
        assert "/home" not in text


@pytest.mark.parametrize(
    ("seeds_train", "sentence"),
    [
        ("always", "for up to 25 % of the steps"),
        ("style-only", "No original picture was in the training set of these weights;"),
        ("never", "No original picture was in any training set"),
    ],
)
def test_the_card_says_whether_originals_were_trained_on(
    store: Store, config: RunConfig, character: Character, seeds_train: str, sentence: str
) -> None:
    own, adapter = character.model_copy(update={"seeds_train": seeds_train}), store.adapters()[-1]
    assert sentence in card(own, config, adapter, {}, status(store), FILES)


def test_the_card_names_both_licences_and_promises_nothing(store: Store, character: Character) -> None:
    adapter = store.adapters()[-1]
    for base, said in (
        ("noobai", "`fair-ai-public-license-1.0-sd, no commercial use` (https://"),
        ("pony", "is not known"),
    ):
        text = card(character, load(base, backend="fake"), adapter, {}, status(store), FILES)
        assert "this LoRA too: `CC-BY-4.0`" in text
        assert said in text
        assert "## Disclaimer" in text
    named = character.model_copy(update={"license": "ask the artist"})
    store.remember("character", named.model_dump_json())
    folder = publish(store, adapter, store.directory / "lora").parent
    assert "ask the artist drawn by Ada." in (folder / LICENSE_FILE).read_text()


def test_what_calls_the_character_stands_in_card_and_sidecar(store: Store, own_base: RunConfig) -> None:
    core = "1girl, solo, mikachr character focus"
    own = {
        "core": core,
        "unique": {"hair": "mika locks"},
        "style_switch": ("papercut look",),
        "outfits": {"default": {"tags": "white shirt"}, "bare": {"trigger": "mikabare", "tags": ""}},
        "styles": ("cel shading", "sketch"),
    }
    named = Character.model_validate({**stored_character(store.recall("character")).model_dump(), **own})
    store.remember("character", named.model_dump_json())
    kohya = publish(store, store.adapters()[-1], store.directory / "lora")
    text = (kohya.parent / "README.md").read_text()
    for said in ("- bare: `mikabare`", "- hair: `mika locks`", "**Style switch:** `papercut look`", "`sketch`"):
        assert said in text
    call = f"mikachr, {core}, mika locks, papercut look"
    assert f"`{call} <lora:{kohya.stem}:1>`" in text
    assert json.loads(kohya.with_suffix(".json").read_text())["activation text"] == call


def test_the_weight_that_a_comparison_recommends_goes_into_card_and_sidecar(store: Store, own_base: RunConfig) -> None:
    adapter = store.adapters()[-1]
    for checkpoint, weight in ((adapter.id, 0.8), ("another", 1.0)):
        found = {"recommended": {"checkpoint": checkpoint, "weight": 0.8}}
        (store.directory / "compare").mkdir(exist_ok=True)
        (store.directory / "compare" / "compare.json").write_text(json.dumps(found))
        kohya = publish(store, adapter, store.directory / "lora")
        assert json.loads(kohya.with_suffix(".json").read_text())["preferred weight"] == weight
        assert f"<lora:{kohya.stem}:{weight:g}>" in (kohya.parent / "README.md").read_text()


def test_a_provisional_view_is_named_as_weak(store: Store, config: RunConfig, character: Character) -> None:
    assert store.frames_judged(VerdictKind.PROVISIONAL)
    publish(store, store.adapters()[-1], store.directory / "lora")
    text = (store.directory / "lora" / "README.md").read_text()
    assert "1 provisional (not far enough above the look-alikes)" in text


def test_a_run_without_settings_is_told_in_one_line(tmp_path: Path, store: Store) -> None:
    store.remember("config", '{"of": "another version"}')
    with pytest.raises(StoreError, match="has stored no settings"):
        release_of(store, store.adapters()[-1])


def stored_adapter(store: Store, name: str) -> Adapter:
    return Adapter("r03-character", "character", 3, name, sha256_of(store.directory / name), 1, 0.1)


def metadata(lora: Lora, title: str, objective: str) -> dict[str, str]:
    modules = kohya_names(lora.grammar, *lora.parts)
    return metadata_for(
        title, "", (96, 96), 1, grammar=lora.grammar, objective=objective, modules=modules,
        training={"text_encoder": True}, zero_terminal_snr=objective == "v_prediction",
    )  # fmt: skip


def test_a_trained_text_encoder_is_published_too(store: Store) -> None:
    down, up = np.ones((2, 4), np.float32), np.ones((4, 2), np.float32)
    unet, text = "mid_block.attentions.0.proj_in", "encoder.layers.0.mlp.fc1"
    lora = Lora({unet: (down, up)}, 2.0, {text: (down, up)}, grammar=SD1.grammar)
    save_kohya(store.directory / "te.safetensors", lora, metadata(lora, "te", "epsilon"))
    adapter = stored_adapter(store, "te.safetensors")
    store.add_adapter(adapter)
    published = publish(store, adapter, store.directory / "te")
    assert "lora_te_text_model_encoder_layers_0_mlp_fc1.alpha" in load_file(published)
    plain = load_file(published.parent / "pytorch_lora_weights.safetensors")
    assert "text_encoder.text_model.encoder.layers.0.mlp.fc1.lora_A.weight" in plain


def test_an_sdxl_lora_is_published_as_one(store: Store) -> None:
    down, up = np.ones((2, 4), np.float32), np.ones((4, 2), np.float32)
    unet, text = "mid_block.attentions.0.proj_in", "text_model.encoder.layers.0.mlp.fc1"
    lora = Lora({unet: (down, up)}, 2.0, {text: (down, up)}, {text: (2 * down, up)}, grammar=SDXL.grammar)
    save_kohya(store.directory / "xl.safetensors", lora, metadata(lora, "xl", "v_prediction"))
    adapter = stored_adapter(store, "xl.safetensors")
    store.add_adapter(adapter)
    published = publish(store, adapter, store.directory / "xl")
    tensors, header = load_file(published), metadata_of(published)
    assert "lora_unet_middle_block_1_proj_in.alpha" in tensors
    for part, size in (("te1", 1), ("te2", 2)):
        assert tensors[f"lora_{part}_text_model_encoder_layers_0_mlp_fc1.lora_down.weight"].max() == size
    assert json.loads(published.with_suffix(".json").read_text())["sd version"] == "SDXL"
    assert (header["ss_base_model_version"], header["ss_zero_terminal_snr"]) == ("sdxl_base_v1-0", "True")
    plain = load_file(published.parent / "pytorch_lora_weights.safetensors")
    assert "text_encoder_2.text_model.encoder.layers.0.mlp.fc1.lora_A.weight" in plain


def test_a_persons_words_are_no_markup_in_the_card(store: Store, config: RunConfig, character: Character) -> None:
    bad = "<script>alert(1)</script> **x** [y](javascript:z) | `t`\n# head"
    about = {"name": bad, "purpose": bad, "license": bad, "credits": bad}
    dress = {"tags": ["a``b", '"); import os; ("']}
    own = Character.model_validate({**character.model_dump(), **about, "outfits": {bad: dress, "2. - x": dress}})
    own = own.model_copy(update={"core": ('1girl"); import os; ("',)})
    text = card(own, config, store.adapters()[-1], {}, status(store), FILES).split("---\n", 2)[2]
    shown = r"&lt;script&gt;alert(1)&lt;/script&gt; \*\*x\*\* \[y\](javascript:z) \| \`t\` \# head"
    assert f"\n# {shown}\n" in text
    assert f"Made for: {shown}." in text
    assert f"\n- {shown}: ``` a``b" in text
    assert "\n- 2\\. - x: " in text
    assert f"`` {' '.join(bad.split())} ``" in text
    (script,) = re.findall(r"```python\n(.*?)\n```", text, re.S)
    calls = [node.func for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Call)]
    assert len(calls) == 6, "no call came from the character"


def test_a_base_that_is_one_file_is_loaded_as_one_in_the_card(
    store: Store, config: RunConfig, character: Character
) -> None:
    base = config.base.model_copy(update={"path": "/home/ada/mix.safetensors", "name": "/home/ada/mix.safetensors"})
    own, adapter = config.model_copy(update={"base": base}), store.adapters()[-1]
    text = card(character, own, adapter, {}, status(store), FILES, "sdxl")
    assert 'StableDiffusionXLPipeline.from_single_file("mix.safetensors")' in text
    assert "/home" not in text


def test_the_card_has_the_words_as_each_window_reads_them(
    store: Store, own_base: RunConfig, character: Character
) -> None:
    named = character.model_copy(update={"core": ("{a} [b] (c)",)})
    text = card(named, own_base, store.adapters()[-1], {}, status(store), FILES, "sdxl")
    assert r"\{a\} [b] \(c\)" in text.partition("**ComfyUI**")[2].partition("**A1111")[0]
    assert r"{a} \[b\] \(c\)" in text.partition("**A1111")[2].partition("**diffusers")[0]


ONES = np.ones((4, 4), np.float32)
NETWORKS = {
    "loha": Hada(ONES, ONES, ONES, ONES),
    "lokr": Kron(w1=ONES, w2_a=ONES, w2_b=ONES),
    "dora": Dora(ONES, ONES, np.ones(4, np.float32)),
}


@pytest.mark.parametrize("kind", NETWORKS)
def test_other_networks_are_published_and_the_card_says_who_reads_them(
    store: Store, own_base: RunConfig, kind: str
) -> None:
    lora = Lora({"mid_block.attentions.0.proj_in": NETWORKS[kind]}, 2.0, grammar=SD1.grammar)
    published, text = published_of(store, lora, kind)
    assert published.is_file()
    is_dora, plain = kind == "dora", published.with_name(f"{published.stem}-plain.safetensors")
    assert (published.parent / "pytorch_lora_weights.safetensors").exists() == is_dora
    assert ("ComfyUI and Forge divide by the lengths of the base's rows" in text) == is_dora
    assert plain.exists() != is_dora, "a module of the base has another shape"
    assert ("--plain --base BASE` makes a plain LoRA" in text) == is_dora
    assert (f'weight_name="{plain.name}"' in text) != is_dora


def test_beside_a_dora_lies_the_plain_lora_that_user_interfaces_read_alike(store: Store, own_base: RunConfig) -> None:
    module, random = "mid_block.attentions.0.proj_in", np.random.default_rng(0)
    weight = BaseWeights(Path(own_base.base.path)).read(0, module)
    down = random.normal(size=(2, *weight.shape[1:])).astype("f4")
    up = random.normal(size=(len(weight), 2, *[1] * (weight.ndim - 2))).astype("f4")
    lengths = 1.1 * np.linalg.norm(weight.reshape(len(weight), -1), axis=1)
    published, text = published_of(store, Lora({module: Dora(down, up, lengths)}, 2.0, grammar=SD1.grammar), "dora")
    plain = published.with_name(f"{published.stem}-plain.safetensors")
    facts = metadata_of(plain)
    assert (facts["ss_output_name"], facts["ss_network_module"]) == (plain.stem, "networks.lora")
    told = json.loads(facts["bootstrap.plain"])
    assert 0 < told["relative_error"] < 1
    assert f"Rank 32, relative error {100 * told['relative_error']:.2g} % (worst module" in text
    assert f"<lora:{plain.stem}:1>" in text
    nearer = published if told["dora_error_in_comfyui"] < told["relative_error"] else plain
    assert f"put `{nearer.name}` into `models/loras`" in text
    assert 'weight_name="pytorch_lora_weights.safetensors"' in text
    assert plain.with_suffix(".json").exists()


def dora_file(store: Store) -> str:
    """A DoRA whose base is not there, in the run; its name."""
    lora = Lora({"mid_block.attentions.0.proj_in": NETWORKS["dora"]}, 2.0, grammar=SD1.grammar)
    save_kohya(store.directory / "d.safetensors", lora, metadata(lora, "d", "epsilon"))
    return "d.safetensors"


def published_of(store: Store, lora: Lora, kind: str) -> tuple[Path, str]:
    """The kohya file of a LoRA that a run has trained, and its card."""
    save_kohya(store.directory / "x.safetensors", lora, metadata(lora, kind, "epsilon"))
    store.add_adapter(stored_adapter(store, "x.safetensors"))
    published = publish(store, store.adapters()[-1], store.directory / kind)
    return published, (published.parent / "README.md").read_text()


def test_a_lost_preview_is_told_in_one_line(store: Store) -> None:
    preview = store.frames(kind=JobKind.PROBE)[0]
    (store.directory / preview.path).unlink()
    with pytest.raises(StoreError, match=preview.job.id):
        publish(store, store.adapters()[-1], store.directory / "lora")
