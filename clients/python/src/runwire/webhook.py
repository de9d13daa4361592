"""Webhooks of ``options.on_finish``."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from typing import cast

from .errors import WebhookError
from .openapi import RuntimeResult


def verify_webhook(
    *,
    body: str | bytes,
    headers: Mapping[str, str],
    secret: str,
    tolerance_seconds: float = 300,
    now: float | None = None,
) -> RuntimeResult:
    """
    The result that a POST of ``on_finish`` brings, if it is signed as Standard Webhooks say; else WebhookError. ``webhook-id``
    tells repeats apart.

    ``body`` is what came, unchanged: the signature is of these bytes. ``secret`` is that of ``options.on_finish``. ``tolerance_seconds``
    is how old, or how much ahead of this clock, it may be.
    """
    told = {name.lower(): value for name, value in headers.items()}
    webhook_id, timestamp, signatures = (
        told.get(f"webhook-{name}") for name in ("id", "timestamp", "signature")
    )
    if not webhook_id or not timestamp or not signatures:
        raise _bad("a header of the webhook is missing")
    clock = time.time() if now is None else now
    if not re.fullmatch(r"[0-9]{1,12}", timestamp) or not abs(clock - int(timestamp)) <= tolerance_seconds:
        raise _bad("the webhook is too old, or of a time to come")
    content = body.encode() if isinstance(body, str) else body
    signed = f"{webhook_id}.{timestamp}.".encode() + content
    mac = hmac.new(_key_of(secret), signed, hashlib.sha256).digest()
    given = [_decoded(one[3:]) for one in signatures.split(" ") if one.startswith("v1,")]
    if not any([one is not None and hmac.compare_digest(one, mac) for one in given]):
        raise _bad("the signature of the webhook is not right")
    return cast(RuntimeResult, json.loads(content))


def _key_of(secret: str) -> bytes:
    """A secret that begins with ``whsec_`` is the base64 of the key; any other is the key itself, as UTF-8."""
    if not secret.startswith("whsec_"):
        return secret.encode()
    key = _decoded(secret[6:])
    if key is None:
        raise ValueError("the secret is not the base64 of a key")
    return key


def _decoded(encoded: str) -> bytes | None:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None  # it is not base64


def _bad(words: str) -> WebhookError:
    return WebhookError(words, code="bad_signature")
