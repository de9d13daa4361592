"""A run that ended, and not well."""

from __future__ import annotations

from .errors import RunwireError
from .openapi import FinishedRecord


class RunFailedError(RunwireError):
    """The run ended, and not well: that is no failure of the server or the connection. ``code`` is its status."""

    record: FinishedRecord

    def __init__(self, record: FinishedRecord) -> None:
        result = record["result"]
        why = result["error_summary"] or f"exit code {result['exit_code']}"
        super().__init__(f"{result['invocation_id']} {record['status']}: {why}", code=record["status"])
        self.record = record
