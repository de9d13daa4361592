"""What is run, and how it is waited for."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from runwire import InvocationInput
from runwire.openapi import OptionsInput


def sh(script: str, options: OptionsInput | None = None) -> InvocationInput:
    """A program of the shell."""
    invocation: InvocationInput = {"runtime_kind": "subprocess", "command": ["sh", "-c", script]}
    if options is not None:
        invocation["options"] = options
    return invocation


def own(words: str) -> str:
    return f"{words}-{secrets.token_hex(4)}"


def until(holds: Callable[[], bool], what: str) -> None:
    """A wide bound, which shows a hang."""
    ends = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < ends, what
        time.sleep(0.01)
