import { hash } from 'node:crypto';
import { directoryName } from '../disk/run-directory.ts';
import type { DiskSpace } from '../disk/space.ts';
import { RunwireError } from '../documents/errors.ts';
import type { Snapshot, SnapshotInput } from '../documents/snapshot.ts';
import type { Entry } from '../files/scan.ts';
import { parseJson } from '../platform/json-parse.ts';
import { Timer } from '../platform/timer.ts';
import { uuidV7 } from '../platform/uuid-v7.ts';
import type { InvocationStore } from '../store/invocation-store.ts';
import { storeRemoval } from '../store/making-room.ts';
import type { StoredSnapshot } from '../store/snapshots.ts';
import { filledFrom } from './filled-from.ts';
import type { TreeHands, TreeJob } from './tree-hands.ts';
import type { Page, Snapshots } from './workspaces.ts';

export interface ShotParts {
  store: Pick<InvocationStore, 'snapshots' | 'workspaces' | 'assets' | 'committed' | 'reuseLog'>;
  hands: TreeHands;
  disk: DiskSpace;
  log: SpaceLog;
  /** What it is needed for, in words; null: for nothing. */
  neededFor: (id: string) => string | null;
  /** Aborted when the server stops. */
  closed: AbortSignal;
}

export interface SpaceLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

/** What a snapshot is taken for, when the server takes it by itself: the same is the same snapshot again. */
export interface OwnShot {
  /** Of whom, e.g. a run; a name that no other one has. */
  of: string;
  what: 'base' | 'before' | 'after';
  /** When that was made, ms since the epoch: ids are used again. */
  madeAt: number;
}

export interface OwnShotOptions {
  metadata?: Record<string, string>;
  /** Absent: everything is in it. */
  filter?: Pick<SnapshotInput, 'keep' | 'ignore'>;
  signal?: AbortSignal;
}

/** After the last removal: many are removed together. */
const SWEEP_AFTER_MS = 3000;
const SWEEP_AT_START_MS = 5000;

/** Snapshots: their records, and contents that the hands of the trees keep. */
export class Shots implements Snapshots {
  readonly #parts: ShotParts;
  /** Being taken, by id. */
  readonly #taking = new Map<string, Promise<Snapshot>>();
  readonly #sweep = new Timer();
  #sweeping: Promise<void> = Promise.resolve();

  constructor(parts: ShotParts) {
    this.#parts = parts;
  }

  /** Once, at the start. */
  begin(): void {
    this.#sweep.set(SWEEP_AT_START_MS, () => this.#sweepNow());
  }

  async close(): Promise<void> {
    this.#sweep.clear();
    await this.#sweeping;
    await Promise.allSettled(this.#taking.values());
  }

  get(id: string): Snapshot {
    return describe(this.row(id));
  }

  list({ limit, cursor, workspaceId }: Parameters<Snapshots['list']>[0]): Page<Snapshot> {
    const { rows, nextCursor } = this.#parts.store.snapshots.page({ limit, cursor, workspace: workspaceId });
    return { items: rows.map(describe), next_cursor: nextCursor };
  }

  async remove(id: string): Promise<void> {
    this.row(id);
    const { store, disk } = this.#parts;
    await storeRemoval(store, disk, () => {
      this.#refuseNeeded(id);
      store.snapshots.remove(id, 'deleted');
    });
    this.sweepLater();
  }

  reading<T>(id: string, read: () => Promise<T>): Promise<T> {
    this.row(id);
    return this.#parts.hands.holding(read);
  }

  entries(id: string, after: string | null = null): AsyncGenerator<Entry> {
    const { digest, createdAt } = this.row(id);
    return this.#parts.hands.entries(digest, new Date(createdAt), after);
  }

  find(id: string, parts: readonly string[]): Promise<Entry | null> {
    const { digest, createdAt } = this.row(id);
    return this.#parts.hands.find(digest, new Date(createdAt), parts);
  }

  /** Throws snapshot_not_found, snapshot_removed. */
  row(id: string): StoredSnapshot {
    const { snapshots } = this.#parts.store;
    const row = snapshots.get(id);
    if (row) return row;
    const removed = snapshots.removed(id);
    if (!removed) throw new RunwireError('snapshot_not_found', `There is no snapshot ${id}.`);
    const time = new Date(removed.removedAt).toISOString();
    throw new RunwireError('snapshot_removed', `The snapshot ${id} was deleted at ${time}.`);
  }

  /** What a client asks for. Taken already: the same again, or snapshot_conflict for what is another. */
  earlier(workspace: string, input: SnapshotInput): Snapshot | null {
    const row =
      input.snapshot_id === undefined ? undefined : this.#parts.store.snapshots.get(input.snapshot_id);
    if (row === undefined) return null;
    if (row.workspace === workspace && row.origin === originOf(input)) return describe(row);
    throw conflict(row.id);
  }

  take(workspace: string, job: TreeJob, input: SnapshotInput): Promise<Snapshot> {
    const id = input.snapshot_id ?? uuidV7();
    return this.#take(id, workspace, originOf(input), job, input);
  }

  /** One that the server takes by itself; taken already: that one. */
  async takeOwn(
    workspace: string,
    job: TreeJob,
    own: OwnShot,
    { metadata = {}, filter, signal }: OwnShotOptions = {},
  ): Promise<Snapshot> {
    const known = this.ownOf(own);
    return known !== null
      ? describe(known)
      : this.#take(this.#ownId(own), workspace, originOfOwn(own), job, { ...filter, metadata }, signal);
  }

  ownOf(own: OwnShot): StoredSnapshot | null {
    const { snapshots } = this.#parts.store;
    const found = [plainId(own), longId(own)].map((id) => snapshots.get(id));
    return found.find((row) => row?.origin === originOfOwn(own)) ?? null;
  }

  /** Contents that nothing holds go, some seconds after the last call. */
  sweepLater(): void {
    if (!this.#parts.closed.aborted) this.#sweep.set(SWEEP_AFTER_MS, () => this.#sweepNow());
  }

  #refuseNeeded(id: string): void {
    const { store, neededFor } = this.#parts;
    const filled = filledFrom(store, 'snapshot', id);
    const why = filled === null ? neededFor(id) : `the workspace ${filled} is being filled with it`;
    if (why !== null) throw new RunwireError('snapshot_busy', `The snapshot ${id} is needed: ${why}.`);
  }

  #ownId(own: OwnShot): string {
    const id = plainId(own);
    return this.#parts.store.snapshots.get(id) === undefined && !this.#taking.has(id) ? id : longId(own);
  }

  #take(
    id: string,
    workspace: string,
    origin: string,
    job: TreeJob,
    input: Pick<SnapshotInput, 'keep' | 'ignore' | 'metadata'>,
    signal?: AbortSignal,
  ): Promise<Snapshot> {
    if (this.#taking.has(id)) throw conflict(id);
    const { store, hands, closed } = this.#parts;
    const given = signal === undefined ? closed : AbortSignal.any([signal, closed]);
    const taking = hands.holding(async () => {
      const { keep, ignore } = input;
      const { digest, files, bytes, omitted } = await hands.capture(
        { ...job, ...(keep && { keep }), ...(ignore && { ignore }) },
        given,
      );
      const row = {
        ...{ id, workspace, origin, digest, files, bytes },
        omitted: JSON.stringify(omitted),
        metadata: JSON.stringify(input.metadata ?? {}),
        createdAt: Date.now(),
      };
      store.snapshots.insert(row);
      await store.committed();
      return describe(row);
    });
    this.#taking.set(id, taking);
    const over = (): void => void this.#taking.delete(id);
    taking.then(over, over);
    return taking;
  }

  #sweepNow(): void {
    const { hands, store, log } = this.#parts;
    this.#sweeping = hands
      .sweep(
        () => digestsOf(store),
        () => store.assets.digests('file'),
      )
      .then(
        ({ removed, bytes }) => {
          if (removed > 0)
            log.info({ removed, bytes }, 'contents that no snapshot and no asset holds were removed');
        },
        (err) => log.warn({ err }, 'sweep of contents'),
      );
  }
}

/** Lists that are held: of snapshots, of assets, and of what is being restored. */
function* digestsOf({ snapshots, workspaces, assets }: ShotParts['store']): Generator<string> {
  yield* snapshots.digests();
  yield* assets.digests('directory');
  for (const { restoring } of workspaces.unready())
    if (restoring !== null) yield (parseJson(restoring) as { digest: string }).digest;
}

function describe(row: Omit<StoredSnapshot, 'n'>): Snapshot {
  return {
    snapshot_id: row.id,
    workspace_id: row.workspace,
    digest: row.digest,
    files: row.files,
    bytes: row.bytes,
    omitted: parseJson(row.omitted) as Snapshot['omitted'],
    metadata: parseJson(row.metadata) as Snapshot['metadata'],
    created_at: new Date(row.createdAt).toISOString(),
  };
}

function conflict(id: string): RunwireError {
  return new RunwireError(
    'snapshot_conflict',
    `${id} is another snapshot, of this workspace or of any other: delete it first, or send another snapshot_id.`,
  );
}

function originOf({ keep, ignore, metadata = {} }: SnapshotInput): string {
  const words = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  return `sent:${hash('sha256', JSON.stringify([keep ?? null, ignore ?? null, words]))}`;
}

const originOfOwn = ({ of, what, madeAt }: OwnShot): string => `${what}:${madeAt}:${of}`;

/** Names of directories that are hashes begin as no id may. */
const plainId = ({ of, what }: OwnShot): string => `${directoryName(of).replace(/^_/, 'h')}.${what}`;

/** Where somebody has taken the plain one. */
const longId = (own: OwnShot): string => `${plainId(own)}.${own.madeAt.toString(36)}`;
