"""Opening a reader by its settings, after a person agreed that pictures may leave this machine."""

from __future__ import annotations

from bootstrap.errors import ConfigError
from bootstrap.readers.asking import AskingReader, ReadingModel
from bootstrap.readers.kept_answers import KeptAnswers
from bootstrap.readers.local_model import LocalModel, find_model
from bootstrap.readers.reader_settings import (
    LocalReaderSettings,
    ReaderSettings,
    ServerReaderSettings,
    reader_named,
)
from bootstrap.readers.server_model import ServerModel, require_package

__all__ = ["check_reader", "open_reader"]


def open_reader(settings: ReaderSettings, answers: KeptAnswers | None, *, allow_upload: bool = False) -> AskingReader:
    """The reader, which asks and loads nothing that ``answers`` has already.

    Raises ConfigError where pictures would leave this machine and nobody agreed; BackendError where a package or the
    model is missing, or the server does not answer.
    """
    if settings.away and not allow_upload:
        what = f'the reader "{settings.name}" sends your pictures and words to {settings.away}'
        raise ConfigError(what, "agree with --allow-upload, or choose a reader on this machine")
    return AskingReader(_model(settings), answers)


def check_reader(name: str) -> None:
    """Raise BackendError where a reader by name could not be opened ("" is none). Loads and asks nothing."""
    settings = reader_named(name) if name else None
    if isinstance(settings, LocalReaderSettings):
        find_model(settings.model)
    elif isinstance(settings, ServerReaderSettings):
        require_package(settings)


def _model(settings: ReaderSettings) -> ReadingModel:
    if isinstance(settings, ServerReaderSettings):
        return ServerModel(settings)
    if isinstance(settings, LocalReaderSettings):
        return LocalModel(settings)
    raise ConfigError(f'the reader "{settings.name}" cannot be opened', "choose another with --reader")
