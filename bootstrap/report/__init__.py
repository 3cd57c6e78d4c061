"""Report: the page of a run and its contact sheets. Reads a store; decides nothing."""

from __future__ import annotations

from bootstrap.report.page import write_report

__all__ = ["write_report"]
