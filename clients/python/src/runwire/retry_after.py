"""The header Retry-After."""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime


def retry_after_seconds(header: str | None, now: float | None = None) -> float | None:
    """Seconds that it asks to wait (RFC 9110, 10.2.3: seconds, or a date); None where it says nothing."""
    if header is None:
        return None
    text = header.strip()
    if re.fullmatch(r"[0-9]{1,12}", text):
        return float(text)
    try:
        date = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, date - (time.time() if now is None else now))
