"""Names, metadata and side files of checkpoints as people have them: the preset and prediction, or a question.

The names are real, everything in the files is made up: headers without weights.
"""

import pytest

from bootstrap.backends import presets, whole_digest
from bootstrap.backends.folder import digest_of_file
from bootstrap.backends.preset_answers import BaseAnswer, remember
from bootstrap.backends.presets import identify
from bootstrap.config import shipped_base
from bootstrap.errors import BackendError

PONY, ILLUSTRIOUS, NOOB, ANIMAGINE = "pony", "illustrious", "noobai", "animagine"
SDXL, SD15, ANIME, VPRED = "sdxl", "sd15", "sd15-anime", "noobai-vpred"
NOISE, VELOCITY, TESTED, LIKELY = "epsilon", "v_prediction", "epsilon, tested", "v_prediction, tested"
ASKED = "look, words"

XL = [  # name, preset or what is asked, prediction, panel of a preset that is judged by another one, few steps
    ("waiANINSFWPONYXL_v11", PONY, TESTED),
    ("waiIllustriousSDXL_v140", ILLUSTRIOUS, TESTED),
    ("waiNSFWIllustrious_v110", ILLUSTRIOUS, TESTED),
    ("novaAnimeXL_ilV140", ILLUSTRIOUS, TESTED),
    ("novaAnimeXL_ponyV20", PONY, TESTED),
    ("autismmixConfetti_v10", PONY, TESTED),
    ("everclearPNYByZovya_v3", PONY, TESTED),
    ("ponyDiffusionV6XL_v6StartWithThisOne", PONY, TESTED),
    ("prefectPonyXL_v50", PONY, TESTED),
    ("cyberrealisticPony_v110", PONY, TESTED, "photo"),
    ("ponyRealism_V22MainVAE", PONY, TESTED, "photo"),
    ("realcartoonPony_v2", PONY, TESTED),
    ("Illustrious-XL-v0.1", ILLUSTRIOUS, TESTED),
    ("hassakuXLIllustrious_v22", ILLUSTRIOUS, TESTED),
    ("plantMilkModelSuite_walnut", ILLUSTRIOUS, TESTED),
    ("realismIllustriousBy_v50FP16", ILLUSTRIOUS, TESTED, "photo"),
    ("noobaiXLNAIXL_epsilonPred11Version", NOOB, TESTED),
    ("NoobAI-XL-v1.1", NOOB, TESTED),
    ("noobaiXLNAIXL_vPred10Version", VPRED, LIKELY),
    ("NoobAI-XL-Vpred-v1.0", VPRED, LIKELY),
    ("RouWei-0.6.1-vpred", VPRED, LIKELY),
    ("animagine-xl-4.0-opt", ANIMAGINE, TESTED),
    ("animagineXLV31_v31", ANIMAGINE, TESTED),
    ("sd_xl_base_1.0", SDXL, TESTED),
    ("sd_xl_base_1.0_0.9vae", SDXL, TESTED),
    ("juggernautXL_v9Rundiffusionphoto2", SDXL, TESTED),
    ("RealVisXL_V5.0_fp16", SDXL, TESTED),
    ("realvisxlV50_v50LightningBakedvae", SDXL, TESTED, "photo", "lightning"),
    ("juggernautXL_juggXILightningByRD", SDXL, TESTED, "photo", "lightning"),
    ("dreamshaperXL_v21TurboDPMSDE", "look", TESTED, "photo", "turbo"),
    ("waiIllustrious_dmd2_4steps", ILLUSTRIOUS, TESTED, "drawn", "dmd"),
    ("hyperRealisticPhoto_v1", SDXL, TESTED),
    ("novaAnimeXL_v10", "words", TESTED),
    ("animeRealismPony_v1", "look", TESTED),
    ("kawaiiMix_v3", ASKED, TESTED),
    ("hawaiiXL", ASKED, TESTED),
    ("WAI_v14", ASKED, TESTED),
    ("ponyIllustriousMerge", ASKED, TESTED),
    ("vanillaSkies", ASKED, TESTED),
    ("model", ASKED, TESTED),
]
SD1 = [
    ("v1-5-pruned-emaonly", SD15, TESTED),
    ("AnythingV5_v5PrtRE", ANIME, TESTED),
    ("anything-v4.5-pruned", ANIME, TESTED),
    ("CounterfeitV30_v30", ANIME, TESTED),
    ("meinamix_v12Final", ANIME, TESTED),
    ("AOM3A1B_orangemixs", ANIME, TESTED),
    ("nai-animefull-final-pruned", ANIME, TESTED),
    ("realisticVisionV60B1_v51VAE", SD15, TESTED),
    ("epicrealism_naturalSinRC1VAE", SD15, TESTED),
    ("majicmixRealistic_v7", SD15, TESTED),
    ("dreamshaper_8LCM", "look", TESTED, "photo", "lcm"),
    ("easyfluff_v11", ANIME, LIKELY),
    ("fluffyrock-vpred-ztsnr", ANIME, LIKELY),
    ("my-mix", ASKED, TESTED),
]


def known(identity):
    """The preset or what is asked, the prediction, the panel, few steps."""
    prediction = identity.prediction.kind + ("" if identity.prediction.certain else ", tested")
    what = ", ".join(identity.unknown) or identity.preset
    panel = identity.settings.get("scoring") or shipped_base(identity.preset).scoring
    return what, prediction, panel, identity.distilled


@pytest.mark.parametrize(
    ("architecture", "row"),
    [*(("sdxl", row) for row in XL), *(("sd1", row) for row in SD1)],
    ids=[row[0] for row in (*XL, *SD1)],
)
def test_a_name_tells_the_preset_or_a_person_is_asked(tmp_path, header_file, architecture, row):
    name, *wanted = row
    found = known(identify(header_file(tmp_path / "models" / f"{name}.safetensors", architecture)))
    assert found[: len(wanted)] == tuple(wanted)
    if len(wanted) == 2:
        panel = "photo" if found[0] in (SDXL, SD15) else "drawn"
        assert found[0] in (ASKED, "look", "words") or found[2:] == (panel, "")


STATED = [  # keys, metadata, files beside it
    ((), {"modelspec.title": "AutismMix Confetti"}, {}, PONY, TESTED),
    ((), {"modelspec.title": "Illustrious-XL-v1.0"}, {}, ILLUSTRIOUS, TESTED),
    ((), {"ss_sd_model_name": "animagine-xl-3.1.safetensors"}, {}, ANIMAGINE, TESTED),
    ((), {"ss_base_model_version": "sdxl_base_v1-0"}, {}, ASKED, TESTED),
    (("v_pred", "ztsnr"), {}, {}, VPRED, VELOCITY),
    ((), {"modelspec.prediction_type": "v"}, {}, VPRED, VELOCITY),
    ((), {"modelspec.prediction_type": "epsilon"}, {}, ASKED, NOISE),
    ((), {"modelspec.predict_key": "v"}, {}, VPRED, VELOCITY),
    ((), {}, {".yaml": 'model:\n  params:\n    parameterization: "v"\n'}, VPRED, VELOCITY),
    ((), {}, {".yaml": "model:\n  params:\n    parameterization: eps\n"}, ASKED, NOISE),
    ((), {}, {".civitai.info": '{"baseModel": "Pony", "model": {"name": "Some Mix"}}'}, PONY, TESTED),
    ((), {}, {".civitai.info": '{"baseModel": "SDXL 1.0", "model": {"name": "Some Mix"}}'}, ASKED, TESTED),
    ((), {}, {".metadata.json": '{"base_model": "Illustrious"}'}, ILLUSTRIOUS, TESTED),
    ((), {}, {".cm-info.json": '{"BaseModel": "NoobAI"}'}, NOOB, TESTED),
    ((), {"modelspec.title": "Illustrious"}, {".json": '{"base_model": "Pony"}'}, ASKED, TESTED),
    ((), {}, {".json": "no json", ".yaml": "\x00"}, ASKED, TESTED),
]


@pytest.mark.parametrize(("keys", "metadata", "beside", "what", "prediction"), STATED)
def test_metadata_and_files_beside_it_come_before_the_name(
    tmp_path, header_file, keys, metadata, beside, what, prediction
):
    path = header_file(tmp_path / "models" / "mix.safetensors", "sdxl", *keys, metadata=metadata)
    for ending, text in beside.items():
        path.with_suffix(ending).write_text(text)
    assert known(identify(path))[:2] == (what, prediction)


def test_a_name_that_contradicts_a_mark_is_tested(tmp_path, header_file):
    path = header_file(tmp_path / "x" / "some_vpred.safetensors", metadata={"modelspec.predict_key": "epsilon"})
    assert known(identify(path))[1] == LIKELY


def test_a_folder_tells_what_the_name_does_not(tmp_path, header_file):
    assert known(identify(header_file(tmp_path / "Pony" / "mix_v3.safetensors")))[0] == PONY
    assert known(identify(header_file(tmp_path / "Pony" / "mix_ilV3.safetensors")))[0] == ILLUSTRIOUS


def test_a_model_of_the_hub_goes_by_its_id_and_a_published_file_by_its_hash(tmp_path, header_file):
    snapshot = tmp_path / "models--cagliostrolab--animagine-xl-4.0" / "snapshots" / "0wai1"
    assert known(identify(header_file(snapshot / "model.safetensors")))[0] == ANIMAGINE
    blob = header_file(tmp_path / "blobs" / ("67ab2fd8ec" + "0" * 54 + ".safetensors"))
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "mix.safetensors").symlink_to(blob)
    assert known(identify(tmp_path / "m" / "mix.safetensors"))[0] == PONY


def test_an_answer_is_remembered_by_the_files_content(tmp_path, header_file, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = header_file(tmp_path / "x" / "one.safetensors")
    for answer, wanted in (
        (BaseAnswer("drawn", "tags"), (ILLUSTRIOUS, None)),
        (BaseAnswer("drawn", "scores"), (PONY, "drawn")),
        (BaseAnswer("drawn", "sentences"), (SDXL, "drawn")),
        (BaseAnswer("photo", "tags", "lightning"), (SDXL, "photo")),
    ):
        remember(whole_digest.whole_digest(path), answer)
        found = identify(path.rename(path.with_name("other.safetensors")))
        path.with_name("other.safetensors").rename(path)
        assert (found.preset, found.settings.get("scoring"), found.unknown) == (*wanted, ())
    assert found.settings["sampling"]["steps"] == 8


def test_a_file_is_told_from_another_by_all_its_bytes_which_are_read_once(tmp_path, header_file, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    one, other = tmp_path / "one.safetensors", tmp_path / "other.safetensors"
    for path, byte in ((one, b"1"), (other, b"2")):
        with path.open("wb") as file:
            file.truncate(6 << 20)
            file.seek(2 << 20)
            file.write(byte)
    assert digest_of_file(one) == digest_of_file(other), "its samples lie elsewhere"
    found = whole_digest.whole_digest(one)
    assert found != whole_digest.whole_digest(other)
    with monkeypatch.context() as patch:
        patch.setattr(whole_digest, "sha256_of", lambda path: pytest.fail("read again"))
        assert whole_digest.whole_digest(one) == found
    one.write_bytes(b"changed")
    assert whole_digest.whole_digest(one) != found
    folder = tmp_path / "folder" / "unet"
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(b"1")
    before = whole_digest.whole_digest(folder.parent)
    (folder / "model.bin").write_bytes(b"22")
    assert whole_digest.whole_digest(folder.parent) != before


def test_a_published_file_under_another_name_goes_by_its_hash(tmp_path, header_file, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = header_file(tmp_path / "x" / "mix.safetensors")
    monkeypatch.setitem(presets.KNOWN_HASHES, whole_digest.whole_digest(path)[:10], "pony")
    found = identify(path)
    assert (found.preset, found.how, found.unknown) == (PONY, "by its hash", ())


@pytest.mark.parametrize("name", ["cosxl", "playground-v2.5-1024px-aesthetic.fp16"])
def test_bases_on_a_schedule_of_their_own_are_refused(tmp_path, header_file, name):
    with pytest.raises(BackendError, match="EDM variant"):
        identify(header_file(tmp_path / f"{name}.safetensors"))
    with pytest.raises(BackendError, match="EDM variant"):
        identify(header_file(tmp_path / "mix.safetensors", "sdxl", "edm_mean"))


def test_few_steps_are_drawn_with_low_guidance_from_pure_noise(tmp_path, header_file):
    sampling = identify(header_file(tmp_path / "m" / "ponyHyper_v1.safetensors")).settings["sampling"]
    assert (sampling["steps"], sampling["guidance_scale"], sampling["timestep_spacing"]) == (8, 1.5, "trailing")
