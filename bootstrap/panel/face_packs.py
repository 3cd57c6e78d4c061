"""Face packs that can be fetched: name, size and licence are known before anything is downloaded.

Beside `bootstrap.panel.downloads` nothing in the package downloads. Names, sizes and terms are those of the InsightFace
model zoo (its README). The network is handed in, so that tests need none. Knows no panel and asks no consent.
"""

from __future__ import annotations

import shutil
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bootstrap.errors import ConfigError, OutputError
from bootstrap.store.files import make_folder, sha256_of

__all__ = ["CHUNK", "PACKS", "Open", "Pack", "fetch", "folder_of", "open_address", "pack_named"]

RELEASES = "https://github.com/deepinsight/insightface/releases/download/model-zoo"
TERMS = "non-commercial research only (InsightFace pretrained models)"
ROOT = Path("~/.insightface/models")
TOO_MUCH = 2
"""A transfer of more than this many times the stated size is broken off."""
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Pack:
    """An insightface pack: a zip of ONNX models. ``megabytes`` is its stated size; ``sha256`` is that of the zip."""

    name: str
    megabytes: int
    what: str
    licence: str = TERMS
    sha256: str = ""

    @property
    def url(self) -> str:
        """Where it is fetched from."""
        return f"{RELEASES}/{self.name}.zip"


PACKS = (  # the one hash is that which several public projects pin
    Pack(
        "buffalo_l",
        326,
        "SCRFD-10GF detector, ResNet50 recogniser",
        sha256="80ffe37d8a5940d59a7384c201a2a38d4741f2f3c51eef46ebb28218a7b0ca2f",
    ),
    Pack("buffalo_m", 313, "SCRFD-2.5GF detector, ResNet50 recogniser"),
    Pack("buffalo_s", 159, "SCRFD-500MF detector, MobileFaceNet recogniser"),
    Pack("buffalo_sc", 16, "SCRFD-500MF detector, MobileFaceNet recogniser, no pose"),
    Pack("antelopev2", 407, "SCRFD-10GF detector, ResNet100 recogniser"),
)
Open = Callable[[str], BinaryIO]
"""Opens an address for reading; raises OSError."""


def pack_named(name: str, others: Sequence[str] = ()) -> Pack:
    """The pack of that name. Raises ConfigError naming all packs, and ``others`` that could have been meant."""
    found = next((pack for pack in PACKS if pack.name == name), None)
    if found is None:
        names = [pack.name for pack in PACKS]
        raise ConfigError(f'no model "{name}" can be fetched', f"choose one of: {', '.join([*names, *others])}")
    return found


def folder_of(pack: str, root: Path | None = None) -> Path:
    """Where insightface looks for a pack; ``root`` is its models folder, by default the one in the home folder."""
    return (root or ROOT).expanduser() / pack


def fetch(pack: Pack, root: Path | None = None, address: Open | None = None) -> str:
    """Download ``pack`` into its folder, whole or not at all; returns the sha256 of what was downloaded.

    Raises OutputError when the network, the archive or the disk fails; an existing
    pack stays.
    """
    folder = folder_of(pack.name, root)
    make_folder(folder.parent)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{pack.name}-") as beside:
        archive, models = Path(beside) / "pack.zip", Path(beside) / "models"
        try:
            with (address or open_address)(pack.url) as source, archive.open("wb") as target:
                _copy(source, target, pack)
            if pack.sha256 and sha256_of(archive) != pack.sha256:
                raise OSError(f"sha256 {sha256_of(archive)} is not the pinned {pack.sha256}")
            _unpack(archive, models, pack)
            if folder.exists():
                raise OutputError(f"'{folder}' exists already", "remove it first to fetch the pack again")
            models.rename(folder)
        except (OSError, zipfile.BadZipFile) as error:
            hint = "check the network and the disk, or put the pack's .onnx files into it yourself"
            raise OutputError(f"cannot fetch '{pack.url}' into '{folder}': {error}", hint) from error
        return sha256_of(archive)


def open_address(url: str) -> BinaryIO:
    """What lies at an address, for reading. Raises OSError."""
    opened: BinaryIO = urllib.request.urlopen(url, timeout=60)
    return opened


def _copy(source: BinaryIO, target: BinaryIO, pack: Pack) -> None:
    done = 0
    while chunk := source.read(CHUNK):
        target.write(chunk)
        done += len(chunk)
        if done > TOO_MUCH * pack.megabytes * 1_000_000:
            raise OSError(f"more than {TOO_MUCH} times the stated {pack.megabytes} MB came")


def _unpack(archive: Path, models: Path, pack: Pack) -> None:
    """The ONNX files of the zip, side by side (one pack nests them in a folder); nothing else is taken out."""
    models.mkdir()
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            name = Path(member.filename).name
            if name.endswith(".onnx"):
                with opened.open(member) as source, (models / name).open("wb") as target:
                    shutil.copyfileobj(source, target)
    if not any(models.iterdir()):
        raise OSError(f"the archive of {pack.name} holds no .onnx file")
