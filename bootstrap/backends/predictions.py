"""What a base predicts, noise or velocity, as far as its files tell: keys, metadata, scheduler, a .yaml, its name.

What only a name says, or nothing says, is tested on the loaded weights (`bootstrap.backends.prediction_test`). Imports
no model library.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bootstrap.backends.checkpoint_names import marks_in
from bootstrap.backends.folder import SCHEDULE, read_config
from bootstrap.backends.side_files import side_files
from bootstrap.backends.single_file import SingleFile, read_checkpoint
from bootstrap.machine.hub import hub_id

__all__ = ["BY_SCHEDULER", "Prediction", "predicted", "prediction_of", "prediction_of_file", "prediction_of_folder"]

BY_SCHEDULER = "by its scheduler"
VELOCITY, NOISE = "v_prediction", "epsilon"
FLOW, FLOW_SCHEDULERS = "flow", "FlowMatch"
WORDS = {NOISE: "noise", VELOCITY: "velocity", FLOW: "the flow from noise to picture"}


@dataclass(frozen=True, slots=True)
class Prediction:
    """``kind`` is "epsilon", "v_prediction" or another word of a scheduler; ``how`` it is known, for a person."""

    kind: str
    zero_terminal_snr: bool
    how: str
    certain: bool
    """Whether the files state it; else the weights are tested when they are loaded."""

    @property
    def is_velocity(self) -> bool:
        """Whether it predicts velocity, as far as is known."""
        return self.kind == VELOCITY


def predicted(kind: str, *, zero_terminal_snr: bool) -> str:
    """What is predicted, in words."""
    found = WORDS.get(kind, kind)
    return f"{found}, down to pure noise" if zero_terminal_snr else found


def prediction_of(base: Path) -> Prediction:
    """What a file or a diffusers folder predicts, as far as it tells. Raises BackendError for no base."""
    if base.is_file():
        return prediction_of_file(base, read_checkpoint(base, vae_given=True))
    return prediction_of_folder(base)


def prediction_of_file(path: Path, found: SingleFile) -> Prediction:
    """What a single file predicts: by its marks, a .yaml beside it, or its name; noise where nothing says otherwise.

    A name with "vpred" on a file marked as predicting noise is tested: merging tools write what they took it for.
    """
    beside, named = side_files(path), marks_in(path.stem)
    by_name = "velocity" in named
    if found.marked and not (by_name and found.prediction_type == NOISE):
        return Prediction(found.prediction_type, found.zero_terminal_snr, "by a mark in the file", True)
    if beside.prediction_type:
        zero_snr = beside.zero_terminal_snr or bool(named & {"ztsnr", "noobai"})
        return Prediction(beside.prediction_type, zero_snr, f'by "{beside.yaml}" beside it', True)
    if by_name:
        return Prediction(VELOCITY, True, "by its name", False)
    return Prediction(found.prediction_type, found.zero_terminal_snr, "nothing says otherwise", False)


def prediction_of_folder(base: Path) -> Prediction:
    """What a diffusers folder predicts: by its scheduler; tested where its name says "vpred" and the scheduler not."""
    config = read_config(base / "scheduler", SCHEDULE)
    kind = str(config.get("prediction_type") or NOISE)
    if str(config.get("_class_name", "")).startswith(FLOW_SCHEDULERS):
        kind = FLOW
    certain = not ("velocity" in marks_in(f"{hub_id(base)} {base.name}") and kind == NOISE)
    return Prediction(kind, bool(config.get("rescale_betas_zero_snr")), BY_SCHEDULER, certain)
