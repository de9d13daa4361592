import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { directoryName } from '../disk/run-directory.ts';
import type { WorkspaceState } from '../documents/workspace.ts';
import { afterMs } from '../platform/timer.ts';
import { storeRemoval } from '../store/making-room.ts';
import type { RemovalReason } from '../store/removed-runs.ts';
import { filledFrom } from './filled-from.ts';
import type { Filler } from './filler.ts';
import type { Restorer } from './restorer.ts';
import { busy } from './space.ts';
import { directoryOf, rowOf, type SpaceTools } from './tools.ts';

/** Between two looks for what was not used for too long. */
const LOOK_MS = 1000;
/** After one that failed, which is told. */
const FAILED_MS = 60_000;

/** Workspaces on their way out: their record goes first, their files behind. */
export class Leaving {
  readonly #tools: SpaceTools;
  readonly #filler: Filler;
  readonly #restorer: Restorer;
  readonly #going = new Set<Promise<unknown>>();
  #stopLooking = (): void => {};

  constructor(tools: SpaceTools, filler: Filler, restorer: Restorer) {
    this.#tools = tools;
    this.#filler = filler;
    this.#restorer = restorer;
  }

  /** Once, at the start. */
  begin(): void {
    const { discarded, log } = this.#tools;
    this.#takeUnknown();
    this.#keep(discarded.sweep(() => true).catch((err) => log.warn({ err }, 'sweep of workspaces')));
    this.#lookLater();
  }

  async close(): Promise<void> {
    this.#stopLooking();
    await Promise.allSettled(this.#going);
  }

  /** Throws workspace_busy while there are unfinished runs, or somebody else changes it. */
  async remove(id: string, reason: RemovalReason): Promise<void> {
    rowOf(this.#tools, id);
    const { spaces, store, log } = this.#tools;
    const space = spaces.get(id);
    const [first] = space.line.all;
    if (first !== undefined) throw busy(id, `has unfinished runs: ${first}`);
    if (space.restoring && !this.#restorer.isPaused(id)) throw busy(id, 'is being restored');
    if (space.changers > 0) throw busy(id, 'is being changed');
    if (space.takers > 0) throw busy(id, 'has a snapshot in the making');
    const filled = filledFrom(store, 'workspace', id);
    if (filled !== null) throw busy(id, `is what the workspace ${filled} is being filled with`);
    if (space.leaving) throw busy(id, 'is being removed');
    space.leaving = true;
    const open = space.line.close();
    try {
      await this.#filler.giveUp(space);
      await this.#restorer.giveUp(space);
      await storeRemoval(store, this.#tools.disk, () => void store.workspaces.remove(id, reason));
      this.#tools.counts.forget(id);
      // From here on it is gone: what cannot be deleted now is tried again at the next start.
      const dropped = new Promise<void>((resolve) =>
        resolve(this.#drop(space, this.#tools.discarded.take(directoryName(id)))),
      );
      this.#keep(dropped.catch((err) => log.warn({ workspace_id: id, err }, 'files could not be removed')));
    } finally {
      space.leaving = false;
      const left = store.workspaces.get(id);
      if (left?.state === 'filling' && space.filling === null) void this.#filler.begin(left);
      if (left?.state === 'restoring' && !space.restoring) this.#restorer.complete(left);
      open();
      spaces.changed(space);
    }
  }

  async #drop(
    space: { readers: number; next(): Promise<boolean> },
    files: { drop(): Promise<void> },
  ): Promise<void> {
    while (space.readers > 0) await space.next();
    await files.drop();
  }

  /** What an earlier server left without a record is moved away before anybody may make something of the same name. */
  #takeUnknown(): void {
    const { dataDir, discarded, store, log } = this.#tools;
    const known = new Set<string>();
    for (let cursor: string | undefined; ; ) {
      const { rows, nextCursor } = store.workspaces.page({ limit: 1000, cursor });
      for (const { id, state } of rows) {
        known.add(directoryName(id));
        this.#attempt(id, () => this.#clear(id, state));
      }
      if (nextCursor === null) break;
      cursor = nextCursor;
    }
    const unknown = readdirSync(join(dataDir, 'workspaces')).filter((name) => !known.has(name));
    for (const name of unknown) this.#attempt(name, () => void discarded.take(name));
    if (unknown.length > 0)
      log.warn({ directories: unknown }, 'directories that belong to no workspace are removed');
  }

  /** A server starts on a full disk too. */
  #attempt(name: string, work: () => void): void {
    try {
      work();
    } catch (err) {
      this.#tools.log.warn({ workspace: name, err }, 'what an earlier server left could not be removed');
    }
  }

  /** Of changes that a crash interrupted nobody was told; what it was made of is in the tree. */
  #clear(id: string, state: WorkspaceState): void {
    const { discarded } = this.#tools;
    const name = directoryName(id);
    const { beside } = directoryOf(this.#tools, id);
    if (state !== 'filling') discarded.take(name, 'sent');
    if (state === 'restoring' || !existsSync(beside) || readdirSync(beside).length === 0) return;
    discarded.take(name, 'beside');
    mkdirSync(beside, { mode: 0o700 });
  }

  #lookLater(ms = LOOK_MS): void {
    const look = (): void => void this.#look().then((ms) => this.#lookLater(ms));
    this.#stopLooking = afterMs(ms, look, { ref: false });
  }

  /** Returns how long it is to the next look, ms. */
  async #look(): Promise<number> {
    const { store, spaces, now, log, closed, holderOf } = this.#tools;
    try {
      for (const { id } of store.workspaces.expired(now())) {
        if (closed.aborted) break;
        if (spaces.peek(id)?.isIdle === false || holderOf(id) !== null) continue;
        if (filledFrom(store, 'workspace', id) !== null) continue;
        await this.remove(id, 'expired');
        log.info({ workspace_id: id }, 'a workspace was not used for its ttl_seconds and is removed');
      }
      return LOOK_MS;
    } catch (err) {
      log.warn({ err }, 'workspaces whose time is over could not be removed');
      return FAILED_MS;
    }
  }

  #keep(work: Promise<unknown>): void {
    this.#going.add(work);
    const over = (): void => void this.#going.delete(work);
    work.then(over, over);
  }
}
