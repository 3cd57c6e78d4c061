"""Models that can be fetched: name, size, licence and hashes are known before anything is downloaded.

Each file is pinned to a revision of its repository and to its sha256, so that what is loaded is what was reviewed.
The network is handed in, so that tests need none. Knows no panel and asks no consent; `bootstrap.panel.face_packs` has
the face packs.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bootstrap.config import embedded
from bootstrap.errors import OutputError
from bootstrap.machine.hub import fetched
from bootstrap.machine.inventory import cache_folder
from bootstrap.panel import face_packs as packs
from bootstrap.panel.face_packs import CHUNK, Open
from bootstrap.store.files import make_folder

__all__ = ["MODELS", "Model", "ModelFile", "fetch_model", "fetched_by", "located", "model_named"]

HUB = "https://huggingface.co"
APACHE, OPENRAIL = "Apache-2.0", "OpenRAIL (use restrictions of the model's licence apply)"
FACE = "models.face"
"""The part of a panel that finds faces."""
YOLO = "MIT (its page); trained with Ultralytics' YOLOv8, whose AGPL-3.0 the weights name"
TAGS = "298633d94d0031d2081c0893f29c82eab7f0df00b08483ba8f29d1e979441217"
"""All WD v3 taggers share one list of tags."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of a model: where it lies in its repository, its size in bytes, and its sha256.

    ``blob`` is the digest of Git's object, for a small file of which the hub states no sha256 ("").
    """

    path: str
    size: int
    sha256: str
    blob: str = ""

    @property
    def name(self) -> str:
        """What it is called on this machine."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Model:
    """A model of the Hugging Face hub at one revision.

    ``setting`` is the part of a panel that it is for, by path. A reference adapter has none: it is named after its
    preset in configs/references, and its files keep their paths in a folder that all of its repository share.
    """

    name: str
    setting: str
    what: str
    licence: str
    repository: str
    revision: str
    files: tuple[ModelFile, ...]

    @property
    def folder(self) -> Path:
        """Where its files lie, or would."""
        return cache_folder() / "models" / self.name if self.setting else fetched(self.repository)

    @property
    def missing(self) -> list[ModelFile]:
        """The files that are not there."""
        return [file for file in self.files if not self.place_of(file).is_file()]

    @property
    def megabytes(self) -> int:
        """Size of the files that are not there."""
        return round(sum(file.size for file in self.missing) / 1_000_000)

    @property
    def usage(self) -> str:
        """The option with which it is used."""
        if not self.setting:
            return f"--reference {self.name}"
        field = "pack" if self.setting == FACE else "model"
        return f"--set panel.{self.setting}.{field}={self.name}"

    def place_of(self, file: ModelFile) -> Path:
        """Where a file lies, or would."""
        return self.folder / (file.name if self.setting else file.path)

    @property
    def url(self) -> str:
        """The page of the repository at its revision."""
        return f"{HUB}/{self.repository}/tree/{self.revision}"

    def url_of(self, file: ModelFile) -> str:
        """Where a file is fetched from."""
        return f"{HUB}/{self.repository}/resolve/{self.revision}/{file.path}"


def _wd(name: str, what: str, revision: str, size: int, sha256: str) -> Model:
    files = (ModelFile("model.onnx", size, sha256), ModelFile("selected_tags.csv", 308_468, TAGS))
    return Model(name, "models.tagger", f"booru tagger, {what}", APACHE, f"SmilingWolf/{name}", revision, files)


def _yolo(name: str, what: str, repository: str, revision: str, size: int, sha256: str) -> Model:
    files = (ModelFile(f"{name}/model.onnx", size, sha256),)
    return Model(name, FACE, f"detector of drawn {what}", YOLO, f"deepghs/{repository}", revision, files)


def _ip_adapter(name: str, what: str, file: ModelFile) -> Model:
    return Model(name, "", what, APACHE, "h94/IP-Adapter", "018e402774aeeddd60609b4ecdb7e298259dc729", (file, *VIT_H))


VIT_H = (
    ModelFile(
        "models/image_encoder/config.json", 560, "625d37b31afbf2f0792a87846b3654ee23f20568409e35b78a1f795b04e1a7a1"
    ),
    ModelFile(
        "models/image_encoder/model.safetensors", 2_528_373_448,
        "6ca9667da1ca9e0b0f75e46bb030f7e011f44f86cbfb8d5a36590fcd7507b030",
    ),
)  # fmt: skip
"""The image encoder of all of these adapters."""
CCIP = "ccip-caformer-24-randaug-pruned"
MODELS = (
    Model(
        CCIP, "scorers.ccip", "identity of drawn characters", OPENRAIL, "deepghs/ccip_onnx",
        "eb2acdd29af1703388d3d0c04221add322bc9110",
        (ModelFile(
            f"{CCIP}/model_feat.onnx", 150_248_245, "4ea118d16496274f4f6e08d3afc768cc592389e8f7f32f8732ce2215c228ac5f"
        ),),
    ),
    _wd(
        "wd-swinv2-tagger-v3", "accurate and light", "627aef95638667ddcaa3ac8ae625e88ea5b02f51", 467_460_978,
        "e6774bff34d43bd49f75a47db4ef217dce701c9847b546523eb85ff6dbba1db1",
    ),
    _wd(
        "wd-vit-tagger-v3", "the quickest", "7f6b584d0bd3f55c4531f14ba3d4761b2bccdc0f", 378_536_310,
        "35f23693620b668f4d53fd3c62bf65e40af739bc52c7eb0fbc49258b58d065b6",
    ),
    _wd(
        "wd-eva02-large-tagger-v3", "the most accurate", "b25b82a03f7282e41aa2f257a52c7583b710bd1c", 1_260_435_999,
        "9e768793060c7939b277ccb382783e8670e8a042d29d77aa736be0c8cc898bfc",
    ),
    _yolo(
        "face_detect_v1.4_s", "faces", "anime_face_detection", "784dc4c0bb692351ddcdbe6131a050b17d3025d5", 44_583_229,
        "403b5bc93b6ff789b7d183418df4a1364049bac00c24acd927604a7ff6891483",
    ),
    _yolo(
        "head_detect_v2.0_s", "heads", "anime_head_detection", "06604feee81983792a57c21081e539c0ae229833", 44_585_386,
        "6679f9b71192298bbf174d82e9e5581c3237b0c3dc67deace7cdbf686b070a00",
    ),
    _ip_adapter("sd15-face", "draws from the heads of references, for Stable Diffusion 1.5", ModelFile(
        "models/ip-adapter-plus-face_sd15.safetensors", 98_183_288,
        "1c9edc21af6f737dc1d6e0e734190e976cfacf802d6b024b77aa3be922f7569b",
    )),
    _ip_adapter("sd15-plus", "draws from references, for Stable Diffusion 1.5", ModelFile(
        "models/ip-adapter-plus_sd15.safetensors", 98_183_288,
        "a1c250be40455cc61a43da1201ec3f1edaea71214865fb47f57927e06cbe4996",
    )),
    _ip_adapter("sdxl-face", "draws from the heads of references, for SDXL", ModelFile(
        "sdxl_models/ip-adapter-plus-face_sdxl_vit-h.safetensors", 847_517_512,
        "677ad8860204f7d0bfba12d29e6c31ded9beefdf3e4bbd102518357d31a292c1",
    )),
    _ip_adapter("sdxl-plus", "draws from references, for SDXL", ModelFile(
        "sdxl_models/ip-adapter-plus_sdxl_vit-h.safetensors", 847_517_512,
        "3f5062b8400c94b7159665b21ba5c62acdcd7682262743d7f2aefedef00e6581",
    )),
)  # fmt: skip
"""What can be fetched. Revisions, sizes and hashes are those of the hub, as several public projects pin them too."""


def model_named(name: str) -> Model | None:
    """The model of that name; None for one that cannot be fetched."""
    return next((model for model in MODELS if model.name == name), None)


def fetched_by(repository: str, file: str) -> str:
    """The command that fetches a file of a repository; "" for one that is not pinned here."""
    for model in MODELS:
        if model.repository == repository and any(one.path == file for one in model.files):
            return f"bootstrap doctor --fetch {model.name}"
    return ""


def located(name: str) -> Path:
    """Where a panel's model is or would be: a person's own file or folder, the hub's cache, or what was fetched."""
    place = embedded(name)
    model = model_named(name)
    return model.folder if model and not place.exists() else place


def fetch_model(model: Model, address: Open | None = None) -> Path:
    """Download what is missing of a model into its folder, whole and as pinned or not at all; returns the folder.

    Raises OutputError when the network or the disk fails, or when what came is not what was pinned.
    """
    folder, missing = model.folder, model.missing
    if not missing:
        raise OutputError(f"'{folder}' exists already", "remove it first to fetch the model again")
    make_folder(folder.parent)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as beside:
        for file in missing:
            url = model.url_of(file)
            try:
                _fetch(url, file, Path(beside) / file.name, address or packs.open_address)
            except OSError as error:
                hint = f"check the network and the disk, or put the files of {model.url} into '{folder}' yourself"
                raise OutputError(f"cannot fetch '{url}' into '{folder}': {error}", hint) from error
        for file in missing:
            place = model.place_of(file)
            make_folder(place.parent)
            (Path(beside) / file.name).replace(place)
    return folder


def _fetch(url: str, file: ModelFile, target: Path, address: Open) -> None:
    digest, done, pinned = hashlib.sha256(), 0, file.sha256
    if not pinned:  # Git's own digest of a file
        digest, pinned = hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False), file.blob
    with address(url) as source, target.open("wb") as written:
        while chunk := source.read(CHUNK):
            written.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            if done > file.size:
                raise OSError(f"more than the pinned {file.size} bytes came")
    if digest.hexdigest() != pinned:
        raise OSError(f"{digest.name} {digest.hexdigest()} is not the pinned {pinned}")
