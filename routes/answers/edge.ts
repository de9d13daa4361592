import type { FastifyInstance } from 'fastify';
import type { Assets } from '../../src/assets/assets.ts';
import type { Diff } from '../../src/documents/snapshot.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { UploadCaps } from '../../src/files/edit.ts';
import type { Staging } from '../../src/files/staging.ts';
import type { Metrics } from '../../src/metrics.ts';
import type { Sessions } from '../../src/sessions/sessions.ts';
import type { EnvironmentSpecs } from '../../src/specs/spec-book.ts';
import type { Snapshots, Workspaces } from '../../src/workspaces/workspaces.ts';
import type { Exchanges } from './exchanges.ts';
import type { Proofs } from './proofs.ts';
import type { Sockets } from './sockets.ts';

/** What routes stand on. */
export interface Edge extends Kept {
  engine: Engine;
  metrics: Metrics;
  exchanges: Exchanges;
  sockets: Sockets;
  proofs: Proofs;
  /** Where files go that come in. */
  staging: Staging;
  /** Of one request. */
  uploadCaps: UploadCaps;
  /** Is what is acknowledged on the disk. */
  sync: boolean;
  /** Of a JSON document. */
  maxBodyBytes: number;
  maxAssetBytes: number;
  /** Where this server is reached from its own machine. */
  ownAddress(): string;
  /** Is told what is the server's own fault. */
  onError(error: unknown): void;
}

/** What outlives runs. */
export interface Kept {
  workspaces: Workspaces;
  sessions: Sessions;
  snapshots: Snapshots;
  differences: Differences;
  specs: EnvironmentSpecs;
  assets: Assets;
}

/** How two trees differ, each given by the digest of its list. */
export interface Differences {
  page(
    from: string,
    to: string,
    options: { limit: number; after?: string; patch: boolean; signal: AbortSignal },
  ): Promise<Diff>;
  /** As git writes it. */
  patch(from: string, to: string): AsyncGenerator<Buffer>;
}

/** Adds the routes of one resource. */
export type Routes = (app: FastifyInstance, edge: Edge) => void;

/** Path parameters of everything under one run. */
export interface OfRun {
  Params: { id: string };
}

/** The same of a workspace, of an environment spec, of an asset and of a snapshot. */
export interface OfWorkspace {
  Params: { workspace_id: string };
}
export interface OfSession {
  Params: { session_id: string };
}
export interface OfSpec {
  Params: { name: string };
}
export interface OfAsset {
  Params: { name: string };
}
export interface OfSnapshot {
  Params: { snapshot_id: string };
}
