"""What a run has to show: its numbers, its page, its contact sheets. Reads a store; decides nothing."""

from __future__ import annotations

from bootstrap.pictures.sheets import contact_sheet
from bootstrap.report.page import write_report
from bootstrap.runs.status import status

__all__ = ["contact_sheet", "status", "write_report"]
