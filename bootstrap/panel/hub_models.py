"""A model of the Hugging Face hub that is not pinned here, as the hub states it: revision, licence, sizes and digests.

Asks the hub's list of a repository and fetches no weights; what is fetched later is held to the digests that were
stated. Knows no panel.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from bootstrap.errors import OutputError
from bootstrap.panel import face_packs as packs
from bootstrap.panel.downloads import HUB, Model, ModelFile
from bootstrap.panel.face_packs import Open

__all__ = ["stated_model"]

WEIGHTS = ("open_clip_model.safetensors", "model.safetensors")
"""Names of a model's weights, the first that it has is taken: OpenCLIP's own before those of transformers."""
SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")
"""Weights that lie in several files; all are taken."""
BESIDE = (".json", ".txt", ".jinja")
"""Endings of what is loaded beside weights: settings and tokenizers."""
MOST_LISTED = 1 << 24
"""Bytes of a list that are read."""


def stated_model(repository: str, address: Open | None = None) -> Model:
    """The model of a repository (``owner/name``) with the files that a panel, or a reader, loads.

    Raises OutputError where the hub does not answer, or states no weights in safetensors' format.
    """
    url = f"{HUB}/api/models/{repository}?blobs=true"
    try:
        with (address or packs.open_address)(url) as source:
            stated = json.loads(source.read(MOST_LISTED))
        files = _wanted(stated["siblings"])
        revision = str(stated["sha"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        hint = f"check the network, or get it yourself: hf download {repository}"
        raise OutputError(f"cannot ask about '{repository}' at '{url}': {error}", hint) from error
    if not any(file.path.endswith(".safetensors") for file in files):
        raise OutputError(f"'{repository}' has no weights in safetensors' format", "name another model")
    return Model(repository, "", "by its page", _licence(stated), repository, revision, files)


def _wanted(listed: Sequence[Any]) -> tuple[ModelFile, ...]:
    """The files of the first level that are loaded: the weights, settings and tokenizers."""
    by_name = {str(one["rfilename"]): one for one in listed}
    weights = [name for name in WEIGHTS if name in by_name][:1] or list(filter(SHARD.fullmatch, by_name))
    beside = [name for name in by_name if name.endswith(BESIDE) and "/" not in name]
    files = []
    for name in (*beside, *weights):
        one = by_name[name]
        sha256 = str((one.get("lfs") or {}).get("sha256", ""))
        files.append(ModelFile(name, int(one["size"]), sha256, "" if sha256 else str(one["blobId"])))
    return tuple(files)


def _licence(stated: Any) -> str:
    """The licence that the page of a model states."""
    licence = (stated.get("cardData") or {}).get("license")
    return str(licence or "not stated on its page")
