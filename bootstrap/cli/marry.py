"""``bootstrap marry``: finished runs drawn together in one picture, and a LoRA that draws them so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.captions.relations import RELATIONS, relation_named
from bootstrap.cli.bundle import look_at_all, settings_of_all, work_on_several
from bootstrap.dataset.writing import safe_name
from bootstrap.errors import UsageError
from bootstrap.runs.listing import RUNS

if TYPE_CHECKING:
    from loops.finish import Finished
    from loops.several import Several

__all__ = ["MOST_TOGETHER", "TARGET", "marry_command"]

TARGET = 24
"""Joint pictures that a marriage wants; LOG "Pairs on the embedded base": so many collages teach a LoRA both."""
MOST_TOGETHER = 4
"""Members of one picture: more get too few pixels each."""


def marry_command(
    runs: Sequence[str],
    *,
    out: Path | None,
    name: str = "",
    target: int = TARGET,
    relations: Sequence[str] = (),
    core: str = "",
) -> None:
    """Check what a person gave, draw together, train, print what came out."""
    if len(runs) > MOST_TOGETHER:
        raise UsageError(f"{len(runs)} members are too many for one picture", f"give at most {MOST_TOGETHER}")
    given = look_at_all(runs)
    for one in given:
        if one.config is None:
            hint = "give its finished run; `bootstrap bundle` takes folders"
            raise UsageError(f'"{one.source}" is a folder of pictures and has no LoRA to draw with', hint)
    config = settings_of_all(given, None, ())
    directory = out or Path(RUNS) / f"{safe_name('-'.join(one.trigger for one in given))}-together"
    words = ["bootstrap", "marry", *runs, "--target", str(target)]
    for option, value in (("--out", out), ("--name", name), ("--core", core)):
        if value:
            words += [option, str(value)]
    for relation in relations:
        words += ["--relation", relation]

    def work(several: Several) -> Finished:
        from loops.couple_shots import JointShots
        from loops.marry import Marriage, marry

        named = tuple(map(relation_named, relations)) or RELATIONS
        wordings = [several.wordings[member.trigger] for member in several.members]
        cores = (core,) if core else ()
        shots = JointShots(several.members, wordings, several.engine.config, named, cores)
        return marry(Marriage(several, shots, target))

    work_on_several(directory, given, config, name, words, work, together=True)
