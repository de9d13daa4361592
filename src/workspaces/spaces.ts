import { DiscardedFiles } from '../disk/discarded.ts';
import type { PrivatePlaces } from '../disk/private-places.ts';
import type { DiskSpace } from '../disk/space.ts';
import { RunwireError } from '../documents/errors.ts';
import type { SnapshotInput } from '../documents/snapshot.ts';
import type { RestoreInput, Workspace, WorkspaceInput } from '../documents/workspace.ts';
import type { ScanOf } from '../files/scan.ts';
import type { InvocationStore } from '../store/invocation-store.ts';
import type { StoredWorkspace } from '../store/workspaces.ts';
import { Changes } from './changes.ts';
import type { Sources } from './fill.ts';
import { filledFrom } from './filled-from.ts';
import { Filler } from './filler.ts';
import { fingerprintOf } from './fingerprint.ts';
import { Leaving } from './leaving.ts';
import { Maker } from './maker.ts';
import { Replacer } from './replacer.ts';
import { Restorer } from './restorer.ts';
import { RunTurns } from './run-turns.ts';
import { Shots, type SpaceLog } from './shots.ts';
import { busy, LiveSpaces } from './space.ts';
import { directoryOf, rowOf, type SpaceTools, steadyRowOf } from './tools.ts';
import { jobOf, TreeCounts } from './tree-counts.ts';
import type { TreeHands } from './tree-hands.ts';
import { describeWorkspace, inputOf, stateOf, usedAt } from './workspace-facts.ts';
import type { ChangingTree, GivenFiles, Page, Workspaces } from './workspaces.ts';

export interface SpacesParts {
  dataDir: string;
  store: InvocationStore;
  hands: TreeHands;
  places: PrivatePlaces;
  disk: DiskSpace;
  sources: Sources;
  log: SpaceLog;
  /** Bytes of a workspace that says nothing itself. */
  maxBytes: number;
  /** ms since the epoch, by which what is not used gets old. */
  now?: () => number;
  /** Whose it is for as long as that is there, in words; null: nobody's. Absent: they are nobody's. */
  holderOf?: (id: string) => string | null;
  /** What this snapshot is needed for outside of workspaces, in words; null: for nothing. Absent: none is. */
  snapshotNeededFor?: (id: string) => string | null;
}

/** How long after its last use was written a reading is one that is written. */
const TOUCH_MS = 1000;

/** All workspaces of a server. */
export class Spaces implements Workspaces {
  readonly snapshots: Shots;
  readonly runs: RunTurns;
  readonly #tools: SpaceTools;
  readonly #changes: Changes;
  readonly #maker: Maker;
  readonly #filler: Filler;
  readonly #restorer: Restorer;
  readonly #replacer: Replacer;
  readonly #leaving: Leaving;
  readonly #closing = new AbortController();

  constructor(parts: SpacesParts) {
    const { dataDir, store, hands, places, disk, log, maxBytes, now = Date.now } = parts;
    const { holderOf = () => null, snapshotNeededFor: neededFor = () => null } = parts;
    const closed = this.#closing.signal;
    const shots = new Shots({ store, hands, disk, log, neededFor, closed });
    const counts = new TreeCounts({ dataDir, store, hands, places });
    const spaces = new LiveSpaces();
    const discarded = new DiscardedFiles(dataDir, 'workspaces');
    const given = { dataDir, store, hands, places, disk, log, maxBytes, now, holderOf };
    this.#tools = { ...given, discarded, shots, counts, spaces, closed };
    this.snapshots = shots;
    this.#changes = new Changes(this.#tools);
    this.#maker = new Maker(this.#tools, parts.sources);
    this.#filler = new Filler(this.#tools, parts.sources);
    this.#restorer = new Restorer(this.#tools);
    this.#replacer = new Replacer(this.#tools, this.#restorer);
    this.runs = new RunTurns({ ...this.#tools, replacer: this.#replacer });
    this.#leaving = new Leaving(this.#tools, this.#filler, this.#restorer);
  }

  /** Once, before anybody asks: what an earlier server left is completed or removed. */
  begin(): void {
    this.#leaving.begin();
    for (const row of this.#tools.store.workspaces.unready())
      if (row.state === 'filling') void this.#filler.begin(row);
      else this.#restorer.complete(row);
    this.snapshots.begin();
  }

  /** What is not done is the next server's. */
  async close(): Promise<void> {
    this.#closing.abort();
    const going = [this.#filler, this.#replacer, this.#restorer, this.#leaving];
    await Promise.all(going.map((one) => one.close()));
    await this.snapshots.close();
  }

  async create(input: WorkspaceInput, files?: GivenFiles): ReturnType<Workspaces['create']> {
    const { store } = this.#tools;
    const known = input.workspace_id === undefined ? undefined : store.workspaces.get(input.workspace_id);
    const fingerprint = input.workspace_id === undefined ? null : fingerprintOf(input, files?.digest ?? null);
    if (known && known.fingerprint !== fingerprint)
      throw new RunwireError(
        'workspace_conflict',
        `${known.id} is a workspace that was made with another body: delete it first, or send another workspace_id.`,
      );
    if (known) {
      await store.committed();
      return { workspace: this.#describe(known), replayed: true };
    }
    const row = this.#maker.insert(input, fingerprint, files);
    await this.#maker.stored(row);
    const filled = this.#filler.begin(row);
    if (input.from === undefined) await filled;
    return { workspace: this.get(row.id), replayed: false };
  }

  /** Made in this turn of the event loop, and filled when it is stored: nobody has a turn in it before. */
  make(input: WorkspaceInput, files?: GivenFiles): { id: string; stored: Promise<void> } {
    const row = this.#maker.insert(input, null, files);
    const open = this.hold(row.id);
    const stored = this.#maker.stored(row);
    stored.then(() => void this.#filler.begin(row)).then(open, open);
    return { id: row.id, stored };
  }

  /** Nobody gets a turn in it until what this returns is called. */
  hold(id: string): () => void {
    const { spaces } = this.#tools;
    const space = spaces.get(id);
    const open = space.line.close();
    space.holds++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      space.holds--;
      open();
      spaces.changed(space);
    };
  }

  get(id: string): Workspace {
    return this.#describe(rowOf(this.#tools, id));
  }

  list(filter: { limit: number; cursor?: string }): Page<Workspace> {
    const { rows, nextCursor } = this.#tools.store.workspaces.page(filter);
    return { items: rows.map((row) => this.#describe(row)), next_cursor: nextCursor };
  }

  async filled(id: string, ms: number, signal?: AbortSignal): Promise<boolean> {
    const until = performance.now() + ms;
    while (stateOf(rowOf(this.#tools, id), this.#tools.spaces.peek(id)) === 'filling') {
      const left = until - performance.now();
      if (left <= 0 || !(await this.#tools.spaces.get(id).next({ ms: left, signal }))) return false;
    }
    return true;
  }

  async remove(id: string): Promise<void> {
    this.refuseHeld(id);
    await this.#leaving.remove(id, 'deleted');
  }

  /** By who holds it. */
  async release(id: string): Promise<void> {
    await this.#leaving.remove(id, 'deleted');
  }

  refuseHeld(id: string): void {
    rowOf(this.#tools, id);
    const holder = this.#tools.holderOf(id);
    if (holder !== null) throw busy(id, `is ${holder}`);
  }

  filledFromRun(id: string): string | null {
    return filledFrom(this.#tools.store, 'invocation', id);
  }

  runsOf(id: string): string[] {
    rowOf(this.#tools, id);
    return this.#tools.spaces.peek(id)?.line.all ?? [];
  }

  /** Those that are in it. */
  holdersOf(id: string): string[] {
    return this.#tools.spaces.peek(id)?.line.holders ?? [];
  }

  tree(id: string): ScanOf {
    steadyRowOf(this.#tools, id);
    const { tree } = directoryOf(this.#tools, id);
    const view = this.#tools.places.look({ work: tree });
    return { root: tree, isPrivate: (stats, descriptor) => view.holdsFile(stats, descriptor) };
  }

  async reading<T>(id: string, read: () => Promise<T>): Promise<T> {
    const row = rowOf(this.#tools, id);
    const { spaces } = this.#tools;
    try {
      return await spaces.counting(spaces.get(id), 'readers', read);
    } finally {
      this.#touch(row);
    }
  }

  async changing<T>(id: string, change: (tree: ChangingTree) => Promise<T>): Promise<T> {
    return this.#changes.change(id, this.tree(id), change);
  }

  captured<T>(id: string, use: (digest: string) => Promise<T>): Promise<T> {
    steadyRowOf(this.#tools, id);
    const { spaces, hands, places, shots } = this.#tools;
    return spaces.counting(spaces.get(id), 'takers', () =>
      hands.holding(async () => {
        try {
          return await use((await hands.capture(jobOf(directoryOf(this.#tools, id), places))).digest);
        } finally {
          shots.sweepLater();
        }
      }),
    );
  }

  async snapshot(
    id: string,
    input: SnapshotInput,
    { whileRunning = false }: { whileRunning?: boolean } = {},
  ): ReturnType<Workspaces['snapshot']> {
    const { spaces, shots, places } = this.#tools;
    rowOf(this.#tools, id);
    const earlier = shots.earlier(id, input);
    if (earlier) return { snapshot: earlier, replayed: true };
    const row = steadyRowOf(this.#tools, id);
    const space = spaces.get(id);
    if (!whileRunning) space.refuseRuns();
    const open = whileRunning ? () => {} : space.line.close();
    try {
      const job = jobOf(directoryOf(this.#tools, id), places);
      const snapshot = await spaces.counting(space, 'takers', () => shots.take(id, job, input));
      this.#touch(row);
      return { snapshot, replayed: false };
    } finally {
      open();
      spaces.changed(space);
    }
  }

  async restore(id: string, input: RestoreInput): Promise<Workspace> {
    if (this.#tools.spaces.peek(id)?.holds) throw busy(id, 'is being put back by its session');
    await this.#restorer.restore(id, input);
    return this.get(id);
  }

  /** By who keeps its line closed. */
  async restoreHeld(id: string, input: RestoreInput): Promise<void> {
    await this.#restorer.restore(id, input);
  }

  async reset(id: string): Promise<Workspace> {
    this.refuseHeld(id);
    await this.#restorer.reset(id);
    return this.get(id);
  }

  /** It was used; that is kept to the second, for what gets old. */
  #touch({ id }: StoredWorkspace): void {
    const { store, log } = this.#tools;
    try {
      const row = store.workspaces.get(id);
      const time = Date.now();
      if (row === undefined || time - row.lastUsedAt < TOUCH_MS) return;
      store.workspaces.change(id, usedAt(inputOf(row), time));
      store.committed().catch(() => {}); // told by the store
    } catch (err) {
      log.warn({ workspace_id: id, err }, 'when it was last used could not be kept');
    }
  }

  #describe(row: StoredWorkspace): Workspace {
    return describeWorkspace(row, this.#tools.spaces.peek(row.id), this.#tools.maxBytes);
  }
}
