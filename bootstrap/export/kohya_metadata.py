"""The captions of a dataset as sd-scripts' metadata: ``meta_cap.json`` in each folder, for its ``--in_json``.

Name of a picture without ending → ``tags``, comma-separated, or ``caption`` where it is a sentence; both are keys of
sd-scripts' FineTuningDataset, which looks for the picture in its image folder. Reads the captions as they lie there.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from bootstrap.pictures import pictures_in, read_pictures
from bootstrap.pictures.caption_text import is_sentence
from bootstrap.store.files import write_atomic

__all__ = ["METADATA", "write_metadata"]

METADATA = "meta_cap.json"


def write_metadata(folder: Path) -> list[Path]:
    """Write the file into each folder with pictures below one; returns the files."""
    by_folder: dict[Path, dict[str, dict[str, str]]] = defaultdict(dict)
    for picture in read_pictures(pictures_in(folder, levels=None)):
        key = "caption" if any(map(is_sentence, picture.tags)) else "tags"
        by_folder[picture.path.parent][picture.path.stem] = {key: ", ".join(picture.tags)}
    for home, rows in by_folder.items():
        write_atomic(home / METADATA, (json.dumps(rows, ensure_ascii=False, indent=2) + "\n").encode())
    return [home / METADATA for home in by_folder]
