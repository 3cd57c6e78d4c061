"""Scorers' models that can be fetched: name, size, licence and hashes are known before anything is downloaded.

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
from bootstrap.machine.inventory import cache_folder
from bootstrap.panel import face_packs as packs
from bootstrap.panel.face_packs import CHUNK, Open
from bootstrap.store.files import make_folder

__all__ = ["MODELS", "Model", "ModelFile", "fetch_model", "located", "model_named"]

HUB = "https://huggingface.co"
APACHE, OPENRAIL = "Apache-2.0", "OpenRAIL (use restrictions of the model's licence apply)"
TAGS = "298633d94d0031d2081c0893f29c82eab7f0df00b08483ba8f29d1e979441217"
"""All WD v3 taggers share one list of tags."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of a model: where it lies in its repository, its size in bytes, and its sha256."""

    path: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """What it is called on this machine."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Model:
    """A model of the Hugging Face hub at one revision; ``setting`` is the part of a panel that it is for, by path."""

    name: str
    setting: str
    what: str
    licence: str
    repository: str
    revision: str
    files: tuple[ModelFile, ...]

    @property
    def megabytes(self) -> int:
        """Size of all files."""
        return round(sum(file.size for file in self.files) / 1_000_000)

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
)  # fmt: skip
"""What can be fetched. Revisions, sizes and hashes are those of the hub, as several public projects pin them too."""


def model_named(name: str) -> Model | None:
    """The model of that name; None for one that cannot be fetched."""
    return next((model for model in MODELS if model.name == name), None)


def located(name: str) -> Path:
    """Where a panel's model is or would be: a person's own file or folder, the hub's cache, or what was fetched."""
    place = embedded(name)
    if model_named(name) and not place.exists():
        return _folder(name)
    return place


def fetch_model(model: Model, address: Open | None = None) -> Path:
    """Download a model into its folder, whole and as pinned or not at all; returns the folder.

    Raises OutputError when the network or the disk fails, or when what came is not what was pinned.
    """
    folder = _folder(model.name)
    make_folder(folder.parent)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{model.name}-") as beside:
        whole = Path(beside) / "model"
        whole.mkdir()
        for file in model.files:
            url = model.url_of(file)
            try:
                _fetch(url, file, whole / file.name, address or packs.open_address)
            except OSError as error:
                hint = f"check the network and the disk, or put the files of {model.url} into '{folder}' yourself"
                raise OutputError(f"cannot fetch '{url}' into '{folder}': {error}", hint) from error
        if folder.exists():
            raise OutputError(f"'{folder}' exists already", "remove it first to fetch the model again")
        whole.rename(folder)
    return folder


def _folder(name: str) -> Path:
    return cache_folder() / "models" / name


def _fetch(url: str, file: ModelFile, target: Path, address: Open) -> None:
    digest, done = hashlib.sha256(), 0
    with address(url) as source, target.open("wb") as written:
        while chunk := source.read(CHUNK):
            written.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            if done > file.size:
                raise OSError(f"more than the pinned {file.size} bytes came")
    if digest.hexdigest() != file.sha256:
        raise OSError(f"sha256 {digest.hexdigest()} is not the pinned {file.sha256}")
