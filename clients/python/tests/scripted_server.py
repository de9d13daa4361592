"""What no Runwire does of itself."""

from __future__ import annotations

import json as json_words
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

NO_HEADERS: Mapping[str, str] = {}


class Talk(BaseHTTPRequestHandler):
    """One connection: what was asked, and ways to answer."""

    protocol_version = "HTTP/1.1"
    server: Place
    body: bytes
    wbufsize = 0

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.open.add(self.connection)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def handle(self) -> None:
        try:
            super().handle()
        except (OSError, ValueError):
            self.close_connection = True  # who asked has left
        finally:
            self.server.open.discard(self.connection)

    def _take(self, size: int) -> bytes:
        """Of large ones nothing is kept."""
        if size <= 1 << 24:
            return self.rfile.read(size)
        while size > 0:
            size -= len(self.rfile.read(min(size, 1 << 20))) or size
        return b""

    def _answer(self) -> None:
        self.body = self._read()
        with self.server.turn:
            asked = self.server.asked
            answer = self.server.answers[min(len(asked), len(self.server.answers) - 1)]
            asked.append(f"{self.command} {self.path}")
        answer(self)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer

    def _read(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self._take(int(self.headers.get("content-length", "0")))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def whole(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.head(status, {"content-length": str(len(content)), **headers})
        self.wfile.write(content)

    def chunk(self, content: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))

    def end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def cut(self) -> None:
        """What was sent arrives, and then nothing more."""
        self.close_connection = True

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def until_gone(self) -> None:
        """Says nothing more. Returns when who asked has left."""
        try:
            while self.connection.recv(1 << 16):
                pass
        except OSError:
            pass
        self.server.gone += 1
        self.close_connection = True


Answer = Callable[[Talk], None]


class Place(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    answers: tuple[Answer, ...]

    def __init__(self, port: int) -> None:
        self.asked: list[str] = []
        self.open: set[socket.socket] = set()
        self.turn = threading.Lock()
        self.gone = 0
        super().__init__(("127.0.0.1", port), Talk)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # who asked has left

    def shutdown_request(self, request: Any) -> None:
        # As close_request alone: a reset that was asked for is none after a shutdown.
        self.close_request(request)


class ScriptedServer:
    """Gives these answers in turn, the last again and again."""

    def __init__(self, *answers: Answer, port: int = 0) -> None:
        self._place = Place(port)
        self._place.answers = answers
        self.port: int = self._place.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.asked = self._place.asked
        """Method and target of what was asked, in order."""

    @property
    def gone(self) -> int:
        """Who waited in vain and has left."""
        return self._place.gone

    def forget(self) -> None:
        self._place.gone = 0

    @property
    def connections(self) -> int:
        return len(self._place.open)

    def __enter__(self) -> Self:
        threading.Thread(target=self._place.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._place.shutdown()
        self._place.server_close()
        for connection in list(self._place.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def json(value: object, status: int = 200, headers: Mapping[str, str] = NO_HEADERS) -> Answer:
    content = json_words.dumps(value).encode()
    return lambda talk: talk.whole(status, {"content-type": "application/json", **headers}, content)


def problem(
    status: int, code: str, more: Mapping[str, object] = {}, headers: Mapping[str, str] = NO_HEADERS
) -> Answer:
    document = {"type": f"urn:runwire:problem:{code}", "title": code, "status": status, "code": code, **more}
    return json(document, status, {"content-type": "application/problem+json", **headers})


def text(words: str, status: int, headers: Mapping[str, str] = NO_HEADERS) -> Answer:
    """Another kind of answer, as of a proxy."""
    return lambda talk: talk.whole(status, {"content-type": "text/html", **headers}, words.encode())


def reset(talk: Talk) -> None:
    """The connection breaks before any answer."""
    talk.reset()


def silence(talk: Talk) -> None:
    talk.until_gone()


def events(content: bytes, how: str = "cut") -> Answer:
    """These bytes as server-sent events; then the connection breaks, or they ``end`` in order, or there is ``silence``."""

    def answer(talk: Talk) -> None:
        talk.head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
        if content:
            talk.chunk(content)
        if how == "end":
            talk.end()
        elif how == "silence":
            talk.until_gone()
        else:
            talk.cut()

    return answer


def framed(*told: Mapping[str, object]) -> bytes:
    return b"".join(
        f"id: {one['seq']}\nevent: x\ndata: {json_words.dumps(one, ensure_ascii=False)}\n\n".encode()
        for one in told
    )
