"""Opening an address in the person's browser, where there is a screen to show it on."""

from __future__ import annotations

import os
import sys
import webbrowser

__all__ = ["open_in_browser"]


def open_in_browser(address: str) -> bool:
    """Open a URL in a window of its own; False where there is no screen or no browser, and nothing happens.

    A browser that would run inside the terminal is never started: it would take the terminal from the command.
    """
    windows = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or sys.platform in ("darwin", "win32")
    if not windows or os.environ.get("SSH_CONNECTION"):
        return False
    try:
        return webbrowser.open(address, new=2)
    except webbrowser.Error:
        return False
