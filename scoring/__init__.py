"""How good an image is; knows no run, no round, no disk layout; imports nothing of ours.

``scoring.SCORERS`` names every scorer, kind → class; the table stands in `scoring.scorers`. It is loaded when it is
first asked for: its classes need numpy and pydantic, which importing this package does not load.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scoring.scorers import SCORERS

__all__ = ["SCORERS"]


def __getattr__(name: str) -> Any:
    if name != "SCORERS":
        raise AttributeError(f"module 'scoring' has no attribute '{name}'")
    from scoring.scorers import SCORERS

    return SCORERS
