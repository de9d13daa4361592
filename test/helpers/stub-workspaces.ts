import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Kept } from '../../routes/answers/edge.ts';
import { diffOf, patchOf } from '../../src/diff/diff.ts';
import { RunwireError } from '../../src/documents/errors.ts';
import type { Snapshot, SnapshotInput } from '../../src/documents/snapshot.ts';
import type { RestoreInput, Workspace, WorkspaceInput } from '../../src/documents/workspace.ts';
import { Hands } from '../../src/snapshots/hands.ts';
import type {
  ChangingTree,
  GivenFiles,
  Page,
  Snapshots,
  Workspaces,
} from '../../src/workspaces/workspaces.ts';
import { NO_SESSIONS } from './no-sessions.ts';
import { stubAssets } from './stub-assets.ts';
import { stubSpecs } from './stub-specs.ts';

interface StubWorkspace {
  workspace: Workspace;
  body: string;
  root: string;
  runs: string[];
}

const SEEN = { roots: [], scratch: null, identities: new Map<string, string>(), files: [] };

/**
 * Workspaces without a store and without runs, for tests of the routes: real directories and snapshots; what goes on in one
 * is what the test says.
 */
export class StubWorkspaces implements Workspaces {
  readonly #dir: string;
  readonly hands: Hands;
  readonly #specs = stubSpecs();
  readonly #assets = stubAssets();
  readonly #all = new Map<string, StubWorkspace | 'removed'>();
  readonly #shots = new Map<string, { snapshot: Snapshot; body: string } | 'removed'>();
  /** Those that are restored now. */
  readonly busy = new Set<string>();
  /** Bytes that may still come into any of them. */
  room = Number.POSITIVE_INFINITY;
  /** Called with the id when somebody waits until one is filled. */
  onWait: (id: string, ms: number) => Promise<void> = async () => {};

  constructor(dir: string) {
    mkdirSync(dir, { recursive: true });
    this.#dir = dir;
    this.hands = new Hands(dir);
  }

  /** As routes are given them. */
  get kept(): Kept {
    return {
      workspaces: this,
      sessions: NO_SESSIONS,
      snapshots: this.#snapshots,
      differences: {
        page: (from, to, options) => diffOf(this.hands, from, to, options),
        patch: (from, to) => patchOf(this.hands, from, to),
      },
      specs: this.#specs,
      assets: this.#assets,
    };
  }

  rootOf(id: string): string {
    return this.#of(id).root;
  }

  /** What is beside the files of one. */
  besideOf(id: string): string {
    return join(this.#dir, id, 'beside');
  }

  set(id: string, changes: Partial<Workspace> & { unfinished?: string[] }): void {
    const { unfinished, ...more } = changes;
    const found = this.#of(id);
    Object.assign(found.workspace, more);
    if (unfinished) found.runs = unfinished;
  }

  async create(input: WorkspaceInput, files?: GivenFiles) {
    const id = input.workspace_id ?? randomUUID();
    const body = JSON.stringify([input, files?.digest]);
    const known = this.#all.get(id);
    if (known && known !== 'removed') {
      if (known.body !== body) throw new RunwireError('workspace_conflict', 'Another body.');
      return { workspace: known.workspace, replayed: true };
    }
    const place = join(this.#dir, id);
    const root = join(place, 'tree');
    mkdirSync(join(place, 'beside'), { recursive: true });
    if (files) files.moveTo(root);
    else mkdirSync(root);
    const now = new Date().toISOString();
    const self = `/workspaces/${id}`;
    const workspace: Workspace = {
      workspace_id: id,
      state: input.from === undefined ? 'ready' : 'filling',
      ...{ reason: null, base_snapshot: null, bytes: 0, files: 0 },
      max_bytes: input.max_bytes ?? null,
      metadata: input.metadata ?? {},
      ...{ created_at: now, last_used_at: now, expires_at: null },
      runs: { running: 0, queued: 0 },
      links: {
        self,
        files: `${self}/files`,
        archive: `${self}/archive`,
        snapshots: `/snapshots?workspace_id=${id}`,
      },
    };
    this.#all.set(id, { workspace, body, root, runs: [] });
    return { workspace, replayed: false };
  }

  get(id: string): Workspace {
    return this.#of(id).workspace;
  }

  list({ limit }: { limit: number }): Page<Workspace> {
    const all = [...this.#all.values()].flatMap((one) => (one === 'removed' ? [] : one.workspace));
    return { items: all.reverse().slice(0, limit), next_cursor: null };
  }

  async filled(id: string, ms: number): Promise<boolean> {
    await this.onWait(id, ms);
    return this.get(id).state !== 'filling';
  }

  filledFromRun(): null {
    return null;
  }

  refuseHeld(id: string): void {
    this.#of(id);
  }

  async remove(id: string): Promise<void> {
    const { root, runs } = this.#of(id);
    if (runs.length > 0) throw busy(id);
    this.#all.set(id, 'removed');
    rmSync(root, { recursive: true, force: true });
  }

  runsOf(id: string): string[] {
    return this.#of(id).runs;
  }

  tree(id: string) {
    return { root: this.#of(id).root, isPrivate: () => false };
  }

  async reading<T>(id: string, read: () => Promise<T>): Promise<T> {
    this.#of(id);
    return read();
  }

  async changing<T>(id: string, change: Parameters<Workspaces['changing']>[1]): Promise<T> {
    const tree = this.tree(id);
    if (this.busy.has(id)) throw busy(id);
    return (await change({ ...tree, beside: this.besideOf(id), take: takeOf(this.room) })) as T;
  }

  async captured<T>(id: string, use: (digest: string) => Promise<T>): Promise<T> {
    const { digest } = await this.#capture(id, {});
    return use(digest);
  }

  async snapshot(id: string, input: SnapshotInput) {
    const snapshotId = input.snapshot_id ?? randomUUID();
    const body = JSON.stringify([id, input]);
    const known = this.#shots.get(snapshotId);
    if (known && known !== 'removed') {
      if (known.body !== body) throw new RunwireError('snapshot_conflict', 'Another body.');
      return { snapshot: known.snapshot, replayed: true };
    }
    const captured = await this.#capture(id, input);
    const snapshot: Snapshot = {
      ...{ snapshot_id: snapshotId, workspace_id: id, ...captured },
      metadata: input.metadata ?? {},
      created_at: new Date().toISOString(),
    };
    this.#shots.set(snapshotId, { snapshot, body });
    return { snapshot, replayed: false };
  }

  async restore(id: string, { snapshot_id, mode }: RestoreInput): Promise<Workspace> {
    const { root } = this.#of(id);
    if (this.busy.has(id)) throw busy(id);
    const { digest } = this.#shot(snapshot_id);
    await this.hands.restore({ root, index: null, seen: SEEN, beside: this.besideOf(id), digest, mode });
    return this.get(id);
  }

  async reset(id: string): Promise<Workspace> {
    return this.get(id);
  }

  #capture(id: string, { keep, ignore }: SnapshotInput) {
    return this.hands.capture({
      ...{ root: this.#of(id).root, index: null, seen: SEEN },
      ...(keep && { keep }),
      ...(ignore && { ignore }),
    });
  }

  readonly #snapshots: Snapshots = {
    get: (id) => this.#shot(id),
    list: ({ limit, workspaceId }) => {
      const all = [...this.#shots.values()].flatMap((one) => (one === 'removed' ? [] : one.snapshot));
      const wanted = all.filter((one) => workspaceId === undefined || one.workspace_id === workspaceId);
      return { items: wanted.reverse().slice(0, limit), next_cursor: null };
    },
    remove: async (id) => {
      this.#shot(id);
      this.#shots.set(id, 'removed');
    },
    reading: async (id, read) => {
      this.#shot(id);
      return read();
    },
    entries: (id, after = null) => {
      const { digest, created_at } = this.#shot(id);
      return this.hands.entries(digest, new Date(created_at), after);
    },
    find: (id, parts) => {
      const { digest, created_at } = this.#shot(id);
      return this.hands.find(digest, new Date(created_at), parts);
    },
  };

  #of(id: string): StubWorkspace {
    const found = this.#all.get(id);
    if (found === 'removed') throw new RunwireError('workspace_removed', `${id} was removed.`);
    if (found === undefined) throw new RunwireError('workspace_not_found', `There is no workspace ${id}.`);
    return found;
  }

  #shot(id: string): Snapshot {
    const found = this.#shots.get(id);
    if (found === 'removed') throw new RunwireError('snapshot_removed', `${id} was removed.`);
    if (found === undefined) throw new RunwireError('snapshot_not_found', `There is no snapshot ${id}.`);
    return found.snapshot;
  }
}

/** What says that there is no room, as workspaces do it. */
export function takeOf(room: number): ChangingTree['take'] {
  let left = room;
  return async (bytes) => {
    if (bytes > left) throw new RunwireError('workspace_full', `There is room for ${left}.`);
    left -= bytes;
  };
}

const busy = (id: string): RunwireError =>
  new RunwireError('workspace_busy', `Something else goes on in ${id}.`);
