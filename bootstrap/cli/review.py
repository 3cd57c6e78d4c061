"""``bootstrap review``: serve the review page of a run beside its engine, until Ctrl-C."""

from __future__ import annotations

from pathlib import Path

import typer

from bootstrap.review.serve import address_of, listen, serve
from bootstrap.store.store import Store

__all__ = ["review_command"]


def review_command(run: Path, *, host: str, port: int) -> None:
    """Print the address and serve; raises UsageError when there is no run, or the address is taken."""
    address = address_of(host, port)
    with Store.open(run, exclusive=False) as store:
        listening = listen(address)
        typer.echo(f"review  {address.url}  (Ctrl-C ends it)")
        if address.token:
            typer.echo("other machines can reach this; whoever has the address may judge", err=True)
        serve(store, address, listening)
