"""Ids that are made here."""

from __future__ import annotations

import secrets
import time
import uuid


def new_id() -> str:
    """A sortable id (RFC 9562, version 7), made here, so that what is sent again is known to be the same."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0b11 << 62) | 0b10 << 62
    return str(uuid.UUID(int=value))
