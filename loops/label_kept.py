"""Frames that are trained on are read by a model, where a run names one: their captions say what it sees.

Each is asked about once; the reader is loaded for a wave's worth of frames, and freed. Trains and draws nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from bootstrap.captions.vocabulary import Vocabulary
from bootstrap.dataset.frame_sights import FrameLabels, keep_sights, kept_sights
from bootstrap.dataset.labels import Head, Labeller, seen_by
from bootstrap.panel.availability import known_characters
from bootstrap.pictures import open_picture
from bootstrap.readers.kept_answers import AnswersInRun
from bootstrap.readers.open_reader import open_reader
from bootstrap.readers.reader_settings import reader_named
from bootstrap.records import Frame
from loops.engine import Engine

__all__ = ["label_kept"]

SMALLEST = 8
"""Pixels of the shorter side of a frame."""


def label_kept(engine: Engine, frames: Sequence[Frame]) -> bool:
    """Ask the run's reader about those of the frames that it has not seen; nothing in a run without one.

    Returns whether any was asked about. Raises BackendError where the reader does not answer; what it said until then
    is stored.
    """
    name, store = engine.config.captions_by, engine.store
    if not name:
        return False
    known = kept_sights(store)
    waiting = [frame for frame in frames if frame.job.id not in known and frame.job.id not in engine.lost]
    if not waiting:
        return False
    config, wording = engine.config, engine.wording
    head = Head(wording.character.trigger, wording.character.core, wording.character.identity)
    with open_reader(
        reader_named(name), AnswersInRun(store), allow_upload=True
    ) as reader:  # agreed to as the run began
        labeller = Labeller(
            reader,
            Vocabulary(config.panel.vocabulary),
            head,
            sees=seen_by(engine.panel_models),
            names=known_characters(config.panel),
        )
        labels = FrameLabels(labeller, wording)
        for frame in waiting:
            image, _ = open_picture(store.directory / frame.path, SMALLEST)
            keep_sights(store, {frame.job.id: labels.sight(image, frame.job.shot)})
    return True
