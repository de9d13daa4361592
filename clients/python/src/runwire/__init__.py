"""Client of Runwire, an HTTP execution service: :class:`Runwire`, and with asyncio :class:`AsyncRunwire`."""

from ._async.download import AsyncDownload
from ._async.pages import AsyncPages
from ._async.run import AsyncRun
from ._async.runwire import AsyncRunwire
from ._async.session import AsyncSession
from ._async.snapshot import AsyncSnapshot
from ._async.stream import AsyncStream
from ._async.untar import AsyncUntarredEntry
from ._async.workspace import AsyncWorkspace
from ._sync.download import Download
from ._sync.pages import Pages
from ._sync.run import Run
from ._sync.runwire import Runwire
from ._sync.session import Session
from ._sync.snapshot import Snapshot
from ._sync.stream import Stream
from ._sync.untar import UntarredEntry
from ._sync.workspace import Workspace
from .answer import Head
from .documents import (
    FileEntry,
    Readiness,
    RunRecord,
    Runtime,
    SessionRecord,
    SnapshotRecord,
    WorkspaceInput,
    WorkspaceRecord,
)
from .errors import (
    AccessError,
    BusyError,
    ConflictError,
    ConnectionError,
    FieldError,
    GatewayError,
    GoneError,
    IntegrityError,
    InvalidError,
    NotFoundError,
    ProtocolError,
    RunwireError,
    ServerError,
    SourceError,
    WebhookError,
)
from .lines import Line
from .openapi import (
    ArtifactDescriptor,
    Asset,
    Checkpoint,
    Diff,
    EnvironmentSpecInput,
    FinishedRecord,
    InvocationInput,
    NewSessionInput,
    Outcome,
    RuntimeEvent,
    RuntimeResult,
    StoredEnvironmentSpec,
)
from .run_failed import RunFailedError
from .tar import TarEntry, tar_of
from .webhook import verify_webhook

__all__ = [
    "AccessError",
    "ArtifactDescriptor",
    "Asset",
    "AsyncDownload",
    "AsyncPages",
    "AsyncRun",
    "AsyncRunwire",
    "AsyncSession",
    "AsyncSnapshot",
    "AsyncStream",
    "AsyncUntarredEntry",
    "AsyncWorkspace",
    "BusyError",
    "Checkpoint",
    "ConflictError",
    "ConnectionError",
    "Diff",
    "Download",
    "EnvironmentSpecInput",
    "FieldError",
    "FileEntry",
    "FinishedRecord",
    "GatewayError",
    "GoneError",
    "Head",
    "IntegrityError",
    "InvalidError",
    "InvocationInput",
    "Line",
    "NewSessionInput",
    "NotFoundError",
    "Outcome",
    "Pages",
    "ProtocolError",
    "Readiness",
    "Run",
    "RunFailedError",
    "RunRecord",
    "Runtime",
    "RuntimeEvent",
    "RuntimeResult",
    "Runwire",
    "RunwireError",
    "ServerError",
    "Session",
    "SessionRecord",
    "Snapshot",
    "SnapshotRecord",
    "SourceError",
    "StoredEnvironmentSpec",
    "Stream",
    "TarEntry",
    "UntarredEntry",
    "WebhookError",
    "Workspace",
    "WorkspaceInput",
    "WorkspaceRecord",
    "tar_of",
    "verify_webhook",
]
