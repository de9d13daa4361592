# Made from _async/download.py by scripts/unasync.py: what is wanted otherwise is changed there.
from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Generator, Iterator, Mapping
from functools import partial
from io import BufferedWriter
from pathlib import Path
from typing import Any

from ..answer import Head, head_of
from ..errors import ConnectionError, IntegrityError, RunwireError
from ..patience import Patience
from .connection import Connection
from .exchange import Call
from .machine import in_thread, pause
from .stream import Stream
from .untar import UntarredEntry, untarred


class Download:
    """
    Bytes of the server, which are asked for when they are read. A connection that breaks is gone on with at the byte where
    it broke, where the bytes have an ETag. What has come is compared with the length and the hash that the server tells;
    until all has, it is not proved.
    """

    def __init__(
        self,
        connection: Connection,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._connection = connection
        self._path = path
        self._query = query or {}
        self._headers = headers or {}

    def head(self) -> Head:
        """What the server says of them, without the bytes."""
        call = Call(self._path, method="HEAD", query=self._query, headers=self._headers)
        return head_of((self._connection.ask(call)).headers)

    def parts(self) -> Stream[bytes]:
        return Stream(self._read())

    def __iter__(self) -> Iterator[bytes]:
        return self.parts()

    def read(self) -> bytes:
        """All of them, in memory."""
        return b"".join([part for part in self._read()])

    def text(self) -> str:
        """The same as text; what is not UTF-8 becomes U+FFFD."""
        return (self.read()).decode("utf-8", "replace")

    def untarred(self) -> Stream[UntarredEntry]:
        """What is in the tar that they are, one after the other, each with its bytes."""
        return Stream(untarred(self.parts()))

    def save(self, path: str | os.PathLike[str]) -> None:
        """
        Into a file, which is there under its name when all has come and is proved, and until then what was there before.
        """
        target = Path(path)
        beside = target.with_name(f".{target.name[:200]}.{secrets.token_hex(6)}.part")
        file = in_thread(lambda: beside.open("xb"))
        try:
            with file:
                with self.parts() as parts:
                    for part in parts:
                        in_thread(partial(file.write, part))
                in_thread(partial(_settle, file))
            in_thread(lambda: os.replace(beside, target))
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                beside.unlink()
            raise

    def _read(self) -> Generator[bytes, None, None]:
        patience = Patience(self._connection.settings.resume_seconds)
        proof = hashlib.sha256()
        head: Head | None = None
        position = 0
        while True:
            call = Call(self._path, query=self._query, headers=self._from(position, head))
            try:
                with self._connection.open(call) as exchange:
                    if head is None:
                        head = head_of(exchange.headers)
                    if position > 0 and exchange.status != 206:
                        raise _changed()
                    while (part := exchange.part()) is not None:
                        patience.renew()
                        position += len(part)
                        proof.update(part)
                        yield part
                _expect(position, proof.hexdigest(), head)
                return
            except RunwireError as error:
                if head is None:
                    seconds = patience.after(error)
                elif error.code == "precondition_failed":
                    raise _changed() from error
                elif position == head.size and isinstance(error, ConnectionError):
                    _expect(position, proof.hexdigest(), head)
                    return
                elif position > 0 and head.etag is None:
                    raise  # there is no telling that the rest is of the same
                else:
                    seconds = patience.after(error)
            pause(seconds)

    def _from(self, position: int, head: Head | None) -> Mapping[str, str]:
        headers = dict(self._headers)
        if head is not None and head.etag is not None:
            headers["if-match"] = head.etag
        if position > 0:
            headers["range"] = f"bytes={position}-"
        return headers


def _settle(file: BufferedWriter) -> None:
    file.flush()
    os.fsync(file.fileno())


def _expect(came: int, sha256: str, head: Head) -> None:
    if head.size is not None and came != head.size:
        raise IntegrityError(f"{came} bytes came of {head.size}", code="length_mismatch")
    if head.sha256 is not None and sha256 != head.sha256:
        raise IntegrityError("the bytes that came are not those of the hash", code="hash_mismatch")


def _changed() -> IntegrityError:
    return IntegrityError("the bytes were changed on the server while they were read", code="changed")
