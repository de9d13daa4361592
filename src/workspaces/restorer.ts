import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RestoreInput } from '../documents/workspace.ts';
import { parseJson } from '../platform/json-parse.ts';
import { removeTree } from '../platform/remove-tree.ts';
import type { StoredWorkspace } from '../store/workspaces.ts';
import { busy, type Space } from './space.ts';
import { AGAIN_MS, directoryOf, type SpaceTools, steadyRowOf, storeUnlessClosed } from './tools.ts';
import { jobOf } from './tree-counts.ts';
import { inputOf, usedAt } from './workspace-facts.ts';

/** What a restore that was begun makes of a workspace, as its record keeps it. */
interface Intent {
  /** Null: it is none, but nothing, or what a run made. */
  snapshot_id: string | null;
  digest: string;
  mode: RestoreInput['mode'];
}

/** Puts workspaces back to what they were. Once its intent is stored a restore is done, whatever comes in between. */
export class Restorer {
  readonly #tools: SpaceTools;
  readonly #going = new Set<Promise<unknown>>();
  /** Of workspaces whose restore failed and is to be tried again: how that is given up. */
  readonly #paused = new Map<string, AbortController>();

  constructor(tools: SpaceTools) {
    this.#tools = tools;
  }

  /** Throws workspace_busy while anything else changes it or takes it. */
  async restore(id: string, { snapshot_id, mode }: RestoreInput): Promise<void> {
    const row = steadyRowOf(this.#tools, id);
    const { digest } = this.#tools.shots.row(snapshot_id);
    await this.#exclusively(row, () => this.#begin(row, { snapshot_id, digest, mode }));
  }

  async reset(id: string): Promise<void> {
    const row = steadyRowOf(this.#tools, id);
    if (row.baseSnapshot !== null) return this.restore(id, { snapshot_id: row.baseSnapshot, mode: 'exact' });
    await this.#exclusively(row, () =>
      this.#tools.hands.holding(async () => {
        const digest = await this.#digestOfNothing(id);
        await this.#begin(row, { snapshot_id: null, digest, mode: 'exact' });
      }),
    );
  }

  /**
   * In the turn of a run: it becomes what is in the list, `digest`, which the caller holds. Rejects where nothing was changed; or
   * where the server stops, and the next one completes it.
   */
  async replace(row: StoredWorkspace, digest: string): Promise<void> {
    const open = this.#close(this.#tools.spaces.get(row.id));
    try {
      await this.#keep(this.#replace(row, { snapshot_id: null, digest, mode: 'exact' }));
    } finally {
      open();
    }
  }

  /** What an earlier server had begun. Nothing uses the workspace before it is done. */
  complete(row: StoredWorkspace): void {
    const space = this.#tools.spaces.get(row.id);
    const open = this.#close(space);
    this.#keep(this.#untilDone(row, parseJson(row.restoring ?? '') as Intent).finally(open));
  }

  /** Does a restore of it wait to be tried again. */
  isPaused(id: string): boolean {
    return this.#paused.has(id);
  }

  /** One that waits to be tried again is not: resolves when nothing of it goes on any more. */
  async giveUp(space: Space): Promise<void> {
    this.#paused.get(space.id)?.abort();
    while (space.restoring) await space.next();
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#going);
  }

  async #exclusively(row: StoredWorkspace, work: () => Promise<void>): Promise<void> {
    const space = this.#tools.spaces.get(row.id);
    space.refuseRuns();
    if (space.changers > 0) throw busy(row.id, 'is being changed');
    if (space.takers > 0) throw busy(row.id, 'has a snapshot in the making');
    const open = this.#close(space);
    try {
      await this.#keep(work());
    } finally {
      // A restore that was begun and is not done keeps it closed.
      if (this.#tools.store.workspaces.get(row.id)?.state !== 'restoring') open();
      else this.#keep(this.#again(row.id).finally(open));
    }
  }

  #close(space: Space): () => void {
    const open = space.line.close();
    space.restoring = true;
    return () => {
      space.restoring = false;
      open();
      this.#tools.spaces.changed(space);
    };
  }

  async #begin(row: StoredWorkspace, intent: Intent): Promise<void> {
    const { store } = this.#tools;
    await this.#exchange(row.id, intent, async () => {
      store.workspaces.change(row.id, { state: 'restoring', restoring: JSON.stringify(intent) });
      await store.committed();
    });
    await this.#done(row);
  }

  async #replace(row: StoredWorkspace, intent: Intent): Promise<void> {
    const { store, log } = this.#tools;
    const isBegun = (): boolean => store.workspaces.get(row.id)?.state === 'restoring';
    try {
      await this.#begin(row, intent);
    } catch (err) {
      if (!isBegun()) throw err;
      log.warn({ workspace_id: row.id, err }, 'what a run made of its workspace is not in place yet');
      await this.#again(row.id);
      if (isBegun()) throw err;
    }
  }

  async #again(id: string): Promise<void> {
    const row = this.#tools.store.workspaces.get(id);
    if (row?.restoring == null) return;
    if (await this.#pause(id)) await this.#untilDone(row, parseJson(row.restoring) as Intent);
  }

  /** False: it is given up, or the next server's. */
  async #pause(id: string): Promise<boolean> {
    const giveUp = new AbortController();
    this.#paused.set(id, giveUp);
    const signal = AbortSignal.any([giveUp.signal, this.#tools.closed]);
    await sleep(AGAIN_MS, undefined, { signal }).catch(() => {});
    this.#paused.delete(id);
    return !signal.aborted;
  }

  async #untilDone(row: StoredWorkspace, intent: Intent): Promise<void> {
    const { log, closed } = this.#tools;
    while (!closed.aborted)
      try {
        await this.#exchange(row.id, intent);
        await this.#done(row);
        return log.info({ workspace_id: row.id }, 'a restore that was begun is done');
      } catch (err) {
        if (closed.aborted) return;
        log.warn({ workspace_id: row.id, err }, 'a restore that was begun is not done yet');
        if (!(await this.#pause(row.id))) return;
      }
  }

  async #exchange(id: string, { digest, mode }: Intent, onStaged?: () => Promise<void>): Promise<void> {
    const { hands, places } = this.#tools;
    const directory = directoryOf(this.#tools, id);
    const { beside } = directory;
    const job = { ...jobOf(directory, places), beside, digest, mode };
    await hands.holding(() => hands.restore({ ...job, ...(onStaged && { onStaged }) }));
  }

  async #done(row: StoredWorkspace): Promise<void> {
    const { store, counts, log } = this.#tools;
    const ready = { state: 'ready', restoring: null, ...usedAt(inputOf(row), Date.now()) } as const;
    if (!(await storeUnlessClosed(this.#tools, () => store.workspaces.change(row.id, ready)))) return;
    await counts
      .count(row.id)
      .catch((err) => log.warn({ workspace_id: row.id, err }, 'its files could not be counted'));
  }

  async #digestOfNothing(id: string): Promise<string> {
    const { hands, places } = this.#tools;
    const empty = join(directoryOf(this.#tools, id).beside, randomUUID());
    mkdirSync(empty);
    try {
      return (await hands.capture({ root: empty, index: null, seen: places.see({ work: empty }) })).digest;
    } finally {
      await removeTree(empty);
    }
  }

  #keep<T>(work: Promise<T>): Promise<T> {
    this.#going.add(work);
    const over = (): void => void this.#going.delete(work);
    work.then(over, over);
    return work;
  }
}
