from __future__ import annotations

import base64
import hashlib
import hmac
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from programs import sh, until
from real_server import TOKEN, RealServer

from runwire import Runwire, WebhookError, verify_webhook

BODY = b'{"status":"succeeded"}'
WHSEC = "whsec_bXkgb3duIHNlY3JldA=="


def signed(secret: str, body: bytes = BODY, at: float | None = None) -> dict[str, str]:
    moment = str(int(time.time() if at is None else at))
    key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    mac = hmac.new(key, b"a." + moment.encode() + b"." + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(mac).decode()}"
    return {"webhook-id": "a", "webhook-timestamp": moment, "webhook-signature": signature}


def test_what_the_server_sends_is_verified(server: RealServer) -> None:
    came: list[tuple[Mapping[str, str], bytes]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append((dict(self.headers), self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Hook) as hook, Runwire(server.url, TOKEN) as rw:
        threading.Thread(target=hook.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{hook.server_port}/"
        run = rw.submit(sh("echo x", {"on_finish": {"url": url, "secret": WHSEC}}))
        until(lambda: bool(came), "the webhook comes")
        hook.shutdown()
    headers, body = came[0]
    result = verify_webhook(body=body, headers=headers, secret=WHSEC)
    assert (result["invocation_id"], result["status"]) == (run.id, "succeeded")
    with pytest.raises(WebhookError):
        verify_webhook(body=body, headers=headers, secret="another")


@pytest.mark.parametrize("secret", [WHSEC, "plain text"])
def test_bytes_or_text_one_signature_or_several(secret: str) -> None:
    headers = signed(secret)
    other = base64.b64encode(b"other").decode()
    many = {**headers, "webhook-signature": f"v2,x v1,!! v1,{other} {headers['webhook-signature']}"}
    capitals = {name.title(): value for name, value in headers.items()}
    for given in (headers, many, capitals):
        for body in (BODY, BODY.decode()):
            assert verify_webhook(body=body, headers=given, secret=secret)["status"] == "succeeded"


LATE, EARLY = time.time() - 3600, time.time() + 3600


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param(signed("other"), BODY, id="of another secret"),
        pytest.param(signed("s"), b'{"status":"failed"}', id="of another body"),
        pytest.param(signed("s", at=LATE), BODY, id="too old"),
        pytest.param(signed("s", at=EARLY), BODY, id="of a time to come"),
        pytest.param({"webhook-id": "x", "webhook-timestamp": "1"}, BODY, id="without a signature"),
        pytest.param(
            {**signed("s"), "webhook-timestamp": str(int(time.time()) - 1)}, BODY, id="another time"
        ),
        pytest.param({**signed("s"), "webhook-timestamp": "١"}, BODY, id="no digits"),
        pytest.param({**signed("s"), "webhook-signature": "v1"}, BODY, id="no signature"),
    ],
)
def test_what_is_not_from_who_has_the_secret_is_refused(headers: Mapping[str, str], body: bytes) -> None:
    with pytest.raises(WebhookError) as caught:
        verify_webhook(body=body, headers=headers, secret="s")
    assert caught.value.code == "bad_signature"


def test_a_secret_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError):
        verify_webhook(body=BODY, headers=signed("s"), secret="whsec_!")
