"""Opening a reader by its settings, after a person agreed that pictures may leave this machine."""

from __future__ import annotations

from bootstrap.errors import ConfigError
from bootstrap.readers.asking import AskingReader, ReadingModel
from bootstrap.readers.kept_answers import KeptAnswers
from bootstrap.readers.local_model import LocalModel
from bootstrap.readers.reader_settings import LocalReaderSettings, ReaderSettings, ServerReaderSettings
from bootstrap.readers.server_model import ServerModel

__all__ = ["open_reader"]


def open_reader(settings: ReaderSettings, answers: KeptAnswers | None, *, allow_upload: bool = False) -> AskingReader:
    """The reader, which asks and loads nothing that ``answers`` has already.

    Raises ConfigError where pictures would leave this machine and nobody agreed; BackendError where a package or the
    model is missing, or the server does not answer.
    """
    if settings.away and not allow_upload:
        what = f'the reader "{settings.name}" sends your pictures and words to {settings.away}'
        raise ConfigError(what, "agree with --allow-upload, or choose a reader on this machine")
    return AskingReader(_model(settings), answers)


def _model(settings: ReaderSettings) -> ReadingModel:
    if isinstance(settings, ServerReaderSettings):
        return ServerModel(settings)
    if isinstance(settings, LocalReaderSettings):
        return LocalModel(settings)
    raise ConfigError(f'the reader "{settings.name}" cannot be opened', "choose another with --reader")
