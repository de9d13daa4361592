"""How long a server that is away is asked again."""

from __future__ import annotations

import math
import random
import time

from .errors import BusyError, ConnectionError, GatewayError, RunwireError

FIRST_SECONDS = 0.1
MOST_SECONDS = 5.0


class Patience:
    """Waits that grow, until so many seconds have passed in which the server was not there."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._failures = 0
        self._since: float | None = None

    def renew(self) -> None:
        """The server was there."""
        self._failures = 0
        self._since = None

    def after(self, error: RunwireError) -> float:
        """Seconds to wait before the next attempt. Raises the error, where waiting does not help or has lasted long enough."""
        if not isinstance(error, (ConnectionError, BusyError, GatewayError)):
            raise error
        now = time.monotonic()
        if self._since is None:
            self._since = now
        seconds = max(_backoff(self._failures), error.retry_after_seconds or 0.0)
        self._failures += 1
        if now - self._since + seconds > self._seconds:
            raise error
        return seconds


class Deadline:
    """When a call is to be given up, which ends no run; ``None``: never."""

    def __init__(self, timeout: float | None) -> None:
        self._timeout = timeout
        self._at = math.inf if timeout is None else time.monotonic() + timeout

    def left(self) -> float:
        """Seconds."""
        return max(0.0, self._at - time.monotonic())

    def check(self) -> None:
        if self.left() == 0:
            raise TimeoutError(f"not within {self._timeout} s; what runs goes on")


def _backoff(failures: int) -> float:
    """Twice as long each time; up to a half less, so that many clients do not come at once."""
    return min(MOST_SECONDS, FIRST_SECONDS * 2.0 ** min(failures, 30)) * random.uniform(0.5, 1)
