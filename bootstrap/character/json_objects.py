"""The one JSON object of a file, also inside a language model's answer: code fences, a sentence before and after it.

A key that is written twice is refused: JSON would silently take the last. Knows no character.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bootstrap.config.plain_yaml import key_twice
from bootstrap.errors import CharacterError
from bootstrap.store.files import read_given
from bootstrap.store.near_files import or_near

__all__ = ["COMMENT", "read_object"]

COMMENT = ("_", "$")
"""First characters of keys that are for people and editors; the loader passes over them."""
OPENING = re.compile(r'\{\s*"')
UNFINISHED = re.compile(r'(?:[\[,{]|"[^"\n]*"\s*:)\s*$')
"""The end of a text that belongs to the JSON after it."""
CONTINUED = re.compile(r'\s*[\],}":]')
"""The beginning of a text that belongs to the JSON before it."""


def read_object(path: Path) -> tuple[dict[str, Any], list[str]]:
    """The object of a file, and what a person should know of how it was found. Raises CharacterError in one line."""
    try:
        text = _text(read_given(path))
        data, notes = _object_in(text, path)
    except FileNotFoundError:
        hint = or_near(path, "give the path of a character.json")
        raise CharacterError(f'no such file "{path}"', hint) from None
    except (OSError, UnicodeError) as error:
        raise CharacterError(f'"{path}" cannot be read ({error})', "give a UTF-8 JSON file") from error
    except json.JSONDecodeError as error:
        raise CharacterError(f"{path}:{error.lineno}: not valid JSON ({error.msg})", "mend that line") from None
    except RecursionError:
        raise CharacterError(f"{path}: not valid JSON (nested too deeply)", "write { ... } as `init` does") from None
    except KeyError as error:
        reason = key_twice(text) or f'"{error.args[0]}" is written twice in one object'
        raise CharacterError(f"{path}: {reason}", "leave one of them") from None
    except ValueError as error:  # of a number without end
        raise CharacterError(f"{path}: not valid JSON ({str(error).partition(';')[0]})", "shorten the number") from None
    if not isinstance(data, dict):
        raise CharacterError(f"{path}: the top level is no object", "write { ... }")
    return data, notes


def _text(data: bytes) -> str:
    """Bytes as text: UTF-8, or what a byte order mark says."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    return data.decode("utf-8-sig")


def _object_in(text: str, path: Path) -> tuple[Any, list[str]]:
    """The JSON of a text, or the one object inside its prose. Raises what the JSON library raises."""
    decoder = json.JSONDecoder(object_pairs_hook=_once)
    try:
        return decoder.decode(text), []
    except json.JSONDecodeError:
        begin = OPENING.search(text)
        if not begin or UNFINISHED.search(text[: begin.start()]):
            raise
        data, end = decoder.raw_decode(text, begin.start())
        if CONTINUED.match(text, end):
            raise
    if another := _next_object(text, end, decoder.raw_decode):
        lines = [text.count("\n", 0, place) + 1 for place in (begin.start(), another)]
        message = f"{path}: two JSON objects, in lines {lines[0]} and {lines[1]}"
        raise CharacterError(message, "leave the one that describes the character")
    return data, [f"{path}: only the JSON object was read, not the text around it"]


def _next_object(text: str, after: int, decode: Callable[[str, int], tuple[Any, int]]) -> int:
    """Where a further JSON object begins; 0 for none."""
    for begin in OPENING.finditer(text, after):
        try:
            decode(text, begin.start())
        except json.JSONDecodeError:
            continue
        except KeyError:
            pass
        return begin.start()
    return 0


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; KeyError names a key that is there twice."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found and not key.startswith(COMMENT):
            raise KeyError(key)
        found[key] = value
    return found
