# Made from _async/environment_specs.py by scripts/unasync.py: what is wanted otherwise is changed there.
from __future__ import annotations

from ..condition import conditions_of, is_free
from ..openapi import EnvironmentSpecInput, StoredEnvironmentSpec
from ..paths import segment
from .connection import Connection
from .exchange import Call
from .pages import Pages


class EnvironmentSpecs:
    """What many invocations have in common, stored under a name, in versions that never change. A name may be ``name@version`` where one is read."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(
        self,
        name: str,
        spec: EnvironmentSpecInput,
        *,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> StoredEnvironmentSpec:
        """A new version, or the newest where it says the same."""
        call = Call(
            _path_of(name),
            method="PUT",
            headers=conditions_of(if_match, if_none_match),
            repeatable=is_free(if_match, if_none_match),
        )
        stored: StoredEnvironmentSpec = self._connection.send(call, spec)
        return stored

    def get(self, name: str) -> StoredEnvironmentSpec:
        stored: StoredEnvironmentSpec = self._connection.json(Call(_path_of(name)))
        return stored

    def list(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> Pages[StoredEnvironmentSpec]:
        """The newest version of each."""
        return Pages(self._connection, "/environment-specs", {"limit": limit, "cursor": cursor})

    def versions(
        self, name: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Pages[StoredEnvironmentSpec]:
        query = {"limit": limit, "cursor": cursor}
        return Pages(self._connection, f"{_path_of(name)}/versions", query)

    def remove(
        self, name: str, *, if_match: str | None = None, if_none_match: str | None = None
    ) -> None:
        call = Call(
            _path_of(name),
            method="DELETE",
            headers=conditions_of(if_match, if_none_match),
            repeatable=is_free(if_match, if_none_match),
        )
        self._connection.ask(call)


def _path_of(name: str) -> str:
    return f"/environment-specs/{segment(name)}"
