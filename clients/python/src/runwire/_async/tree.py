from __future__ import annotations

from typing import Literal

from ..documents import FileEntry
from ..paths import file_path
from .connection import AsyncConnection
from .download import AsyncDownload
from .pages import AsyncPages

Format = Literal["tar", "tar.gz", "zip"]


class AsyncTree:
    """The directory of a run, a workspace or a snapshot."""

    def __init__(self, connection: AsyncConnection, path: str) -> None:
        self._connection = connection
        self._path = path

    def files(
        self,
        *,
        glob: str | None = None,
        hash: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AsyncPages[FileEntry]:
        """What is in it, in order of paths; with ``hash`` the SHA-256 of each file. ``glob`` says which, as ``src/**``."""
        query = {"glob": glob, "hash": hash, "limit": limit, "cursor": cursor}
        return AsyncPages(self._connection, f"{self._path}/files", query)

    def file(self, path: str) -> AsyncDownload:
        return AsyncDownload(self._connection, file_path(self._path, path))

    def archive(self, *, glob: str | None = None, format: Format | None = None) -> AsyncDownload:
        """It is made while it is read, so that one that breaks off has to be begun anew. Default: a tar."""
        query = {"glob": glob, "format": format}
        return AsyncDownload(self._connection, f"{self._path}/archive", query=query)
