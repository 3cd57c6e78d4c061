"""What a run has to show: its numbers, its page, its contact sheets. Reads a store; decides nothing."""

from __future__ import annotations

from bootstrap.report.page import write_report
from bootstrap.report.sheets import contact_sheet
from bootstrap.report.status import status

__all__ = ["contact_sheet", "status", "write_report"]
