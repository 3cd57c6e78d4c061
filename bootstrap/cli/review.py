"""``bootstrap review``: serve the review page of a run beside its engine, until Ctrl-C."""

from __future__ import annotations

from pathlib import Path

import typer

from bootstrap.errors import UsageError
from bootstrap.review.serve import address_of, listen, serve
from bootstrap.runs.blind_audit import begin_audit
from bootstrap.runs.open_to_read import open_to_judge

__all__ = ["review_command"]


def review_command(run: Path, *, host: str, port: int, audit: bool = False, number: int | None = None) -> None:
    """Print the address and serve, with ``audit`` only the frames that are drawn for the audit of a round (``number``).

    Raises UsageError when there is no run, the address is taken, or nothing can be audited.
    """
    if number is not None and not audit:
        raise UsageError(f'--round "{number}" belongs to --audit', "the page itself shows every round")
    address = address_of(host, port)
    opened, refusal = open_to_judge(run)
    with opened as store:
        audited = None
        if audit:
            sample = begin_audit(store, number)
            audited = sample.round
            drawn = f"{len(sample.gate)} of {sample.population} frames, {len(sample.answers)} of them judged"
            typer.echo(f"audit   round {audited}: {drawn}; the gate's verdicts are hidden, the report will compare")
        listening = listen(address)
        typer.echo(f"review  {address.url}  (Ctrl-C ends it)")
        if address.token:
            typer.echo("other machines can reach this page; whoever has the address can judge", err=True)
        if refusal:
            typer.echo(f"{refusal}: the page shows everything and takes no verdict", err=True)
        serve(store, address, listening, audited)
