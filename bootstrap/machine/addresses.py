"""Which addresses are this machine's own. Asks no network."""

from __future__ import annotations

import ipaddress

__all__ = ["is_own_machine"]


def is_own_machine(host: str) -> bool:
    """Whether a host is reached without leaving this machine: localhost, or a loopback address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
