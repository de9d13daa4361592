"""The documents by the names that programs use."""

from __future__ import annotations

from typing import TypeAlias

from . import openapi

RunRecord: TypeAlias = openapi.Record
WorkspaceRecord: TypeAlias = openapi.Workspace
SnapshotRecord: TypeAlias = openapi.Snapshot
SessionRecord: TypeAlias = openapi.Session
WorkspaceInput: TypeAlias = openapi.CreateWorkspaceBody
SnapshotInput: TypeAlias = openapi.TakeSnapshotBody
CheckpointInput: TypeAlias = openapi.CheckpointSessionBody
AssetUrl: TypeAlias = openapi.PutAssetBody
FileEntry: TypeAlias = openapi.ListFilesAnswerItems
Unpacked: TypeAlias = openapi.UnpackIntoWorkspaceAnswer
Runtime: TypeAlias = openapi.GetRuntimeAnswer
Readiness: TypeAlias = openapi.GetReadinessAnswer
