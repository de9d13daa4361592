# Made from _async/assets.py by scripts/unasync.py: what is wanted otherwise is changed there.
from __future__ import annotations

from ..condition import conditions_of, is_free
from ..documents import AssetUrl
from ..errors import IntegrityError
from ..openapi import Asset
from ..paths import segment
from .connection import Connection
from .download import Download
from .exchange import Call
from .pages import Pages
from .sending import Payload, Sending
from .tree import Format


class Assets:
    """Bytes and directories that the server keeps under a name, in versions that never change. A name may be ``name@version`` where one is read."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(
        self,
        name: str,
        payload: Payload,
        *,
        extract: bool | None = None,
        media_type: str = "application/octet-stream",
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> Asset:
        """
        A version of these bytes, or with ``extract`` of what is in the archive that they are. What the server keeps of bytes is
        compared with their hash.
        """
        sending = Sending(payload, hashed=True)
        call = Call(
            _path_of(name),
            method="PUT",
            query={"extract": extract},
            headers={"content-type": media_type, **conditions_of(if_match, if_none_match)},
            body=sending,
            repeatable=is_free(if_match, if_none_match),
        )
        asset: Asset = self._connection.json(call)
        if asset["type"] == "file" and asset.get("digest") != sending.sha256:
            raise IntegrityError(f"{name} is not on the server what was sent", code="hash_mismatch")
        return asset

    def put_url(
        self, name: str, source: AssetUrl, *, if_match: str | None = None, if_none_match: str | None = None
    ) -> Asset:
        """A version of what the server fetches."""
        call = Call(
            _path_of(name),
            method="PUT",
            headers=conditions_of(if_match, if_none_match),
            repeatable=is_free(if_match, if_none_match),
        )
        asset: Asset = self._connection.send(call, source)
        return asset

    def get(self, name: str) -> Asset:
        asset: Asset = self._connection.json(Call(_path_of(name)))
        return asset

    def content(
        self, name: str, *, path: str | None = None, glob: str | None = None, format: Format | None = None
    ) -> Download:
        """Its bytes; of a directory an archive, or with ``path`` one file in it."""
        query = {"path": path, "glob": glob, "format": format}
        return Download(self._connection, f"{_path_of(name)}/content", query=query)

    def list(self, *, limit: int | None = None, cursor: str | None = None) -> Pages[Asset]:
        """The newest version of each."""
        return Pages(self._connection, "/assets", {"limit": limit, "cursor": cursor})

    def versions(
        self, name: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Pages[Asset]:
        query = {"limit": limit, "cursor": cursor}
        return Pages(self._connection, f"{_path_of(name)}/versions", query)

    def remove(
        self, name: str, *, if_match: str | None = None, if_none_match: str | None = None
    ) -> None:
        """All versions, or the one that is named."""
        call = Call(
            _path_of(name),
            method="DELETE",
            headers=conditions_of(if_match, if_none_match),
            repeatable=is_free(if_match, if_none_match),
        )
        self._connection.ask(call)


def _path_of(name: str) -> str:
    return f"/assets/{segment(name)}"
