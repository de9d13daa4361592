"""A proxy of TCP that resets every connection after a while, whatever is on its way."""

from __future__ import annotations

import socket
import struct
import threading
import time
from types import TracebackType
from typing import Self


class CuttingProxy:
    def __init__(self, to: int, every_seconds: float) -> None:
        self._to = to
        self._every = every_seconds
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.cuts = 0
        """Connections that were cut."""

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._join, args=(client,), daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        try:
            target = socket.create_connection(("127.0.0.1", self._to))
        except OSError:
            _reset(client)
            return
        ends = [
            threading.Thread(target=_carry, args=pair, daemon=True)
            for pair in ((client, target), (target, client))
        ]
        for end in ends:
            end.start()
        until = time.monotonic() + self._every
        for end in ends:
            end.join(max(0.0, until - time.monotonic()))
        self.cuts += any(end.is_alive() for end in ends)
        _reset(client)
        _reset(target)


def _carry(source: socket.socket, to: socket.socket) -> None:
    try:
        while part := source.recv(1 << 16):
            to.sendall(part)
        to.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def _reset(one: socket.socket) -> None:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    try:
        one.shutdown(socket.SHUT_RD)
    except OSError:
        pass
    one.close()
