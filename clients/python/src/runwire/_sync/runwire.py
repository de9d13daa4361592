# Made from _async/runwire.py by scripts/unasync.py: what is wanted otherwise is changed there.
from __future__ import annotations

import math
from collections.abc import Mapping
from types import TracebackType
from typing import Self, Unpack, cast

import httpx

from ..body import Source
from ..documents import Readiness, RunRecord, Runtime
from ..openapi import FinishedRecord, InvocationInput, ListInvocationsQuery
from ..paths import segment
from ..settings import read_settings
from ..sockets import LIMITS, OPTIONS, USER_AGENT
from .assets import Assets
from .collections import Sessions, Snapshots, Workspaces
from .connection import Connection
from .environment_specs import EnvironmentSpecs
from .exchange import Call
from .pages import Pages
from .run import Run
from .submit import submit


class Runwire:
    """
    A Runwire server. What is not given is taken from the environment: RUNWIRE_URL, else http://127.0.0.1:7070, and RUNWIRE_TOKEN.
    To be closed, or used with ``with``; runs go on.

    :param url: may have a path, where a proxy has the server below one.
    :param http_client: another than one of its own: for a proxy, or certificates of your own. It is yours to close.
    :param retry_seconds: how long a call that may be repeated is repeated while the server is away or busy.
    :param resume_seconds: how long events, output, downloads and wait() go on asking a server that is away. Default: for ever.
    :param idle_seconds: a connection on which nothing comes for so long is given up, and another made. More than the 15 s of the
        server's heartbeat.
    :param answer_seconds: how long nothing may come of an answer, beyond what it was asked to wait.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        http_client: httpx.Client | None = None,
        retry_seconds: float = 60,
        resume_seconds: float = math.inf,
        idle_seconds: float = 45,
        answer_seconds: float = 60,
    ) -> None:
        settings = read_settings(
            url,
            token,
            retry_seconds=retry_seconds,
            resume_seconds=resume_seconds,
            idle_seconds=idle_seconds,
            answer_seconds=answer_seconds,
        )
        self._own: httpx.Client | None = None
        if http_client is None:
            # Certificates are read, which takes a while, where there are some to be checked.
            tls = settings.url.startswith("https:")
            transport = httpx.HTTPTransport(verify=tls, limits=LIMITS, socket_options=OPTIONS)
            http_client = httpx.Client(transport=transport, headers={"user-agent": USER_AGENT})
            self._own = http_client
        self._connection = Connection(settings, http_client)
        self.workspaces = Workspaces(self._connection)
        self.snapshots = Snapshots(self._connection)
        self.sessions = Sessions(self._connection)
        self.environment_specs = EnvironmentSpecs(self._connection)
        self.assets = Assets(self._connection)

    def submit(
        self,
        invocation: InvocationInput,
        *,
        files: Mapping[str, Source] | None = None,
        archive: Source | None = None,
    ) -> Run:
        """Starts a run. ``files``, by path, and what is in ``archive`` are in its working directory before it starts."""
        return submit(self._connection, invocation, files, archive)

    def run(
        self,
        invocation: InvocationInput,
        *,
        files: Mapping[str, Source] | None = None,
        archive: Source | None = None,
        check: bool = False,
        timeout: float | None = None,
    ) -> FinishedRecord:
        """Starts a run and waits for its end, as submit() and wait() do."""
        run = self.submit(invocation, files=files, archive=archive)
        return run.wait(check=check, timeout=timeout)

    def attach(self, id: str) -> Run:
        """A run that was started before, perhaps by somebody else. Asks nothing of the server."""
        return Run(self._connection, id)

    def runtimes(self) -> list[Runtime]:
        """The kinds of runs that the server knows."""
        return cast(list[Runtime], (self._connection.json(Call("/runtimes")))["items"])

    def runtime(self, kind: str) -> Runtime:
        runtime: Runtime = self._connection.json(Call(f"/runtimes/{segment(kind)}"))
        return runtime

    def health(self) -> None:
        """Does the process answer. Raises what goes wrong, without asking again."""
        self._connection.json(Call("/healthz", retry_seconds=0))

    def readiness(self) -> Readiness:
        """Would a new run be taken, and if not, why. Raises what goes wrong, without asking again."""
        readiness: Readiness = self._connection.json(Call("/readyz", takes=503, retry_seconds=0))
        return readiness

    def list(self, **filter: Unpack[ListInvocationsQuery]) -> Pages[RunRecord]:
        """Runs, newest first."""
        return Pages(self._connection, "/invocations", filter)

    def close(self) -> None:
        """Its connections. Runs go on."""
        if self._own is not None:
            self._own.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
