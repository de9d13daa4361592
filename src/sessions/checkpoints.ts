import { RunwireError } from '../documents/errors.ts';
import type { CheckpointInput } from '../documents/session.ts';
import type { Snapshot } from '../documents/snapshot.ts';
import { uuidV7 } from '../platform/uuid-v7.ts';
import type { SessionRow } from './session-facts.ts';
import { busy } from './table.ts';
import type { SessionTools } from './tools.ts';

interface Taken {
  snapshot: Snapshot;
  since: string;
  replayed: boolean;
}

/** Where it does not say what is to be in it, the environment spec may. */
const chosen = ({ kept }: SessionRow, input: CheckpointInput, id: string): CheckpointInput => ({
  ...(input.keep === undefined && input.ignore === undefined && kept.defaults.snapshot),
  ...input,
  snapshot_id: id,
});

/** It is over; of one that is closed meanwhile there is more to do. */
const without = ({ state, unsettled }: SessionRow) => ({
  checkpointing: null,
  unsettled: unsettled && state !== 'ready',
});

/** Snapshots of sessions, each compared with the one before. */
export class Checkpoints {
  readonly #tools: SessionTools;

  constructor(tools: SessionTools) {
    this.#tools = tools;
  }

  async take(id: string, input: CheckpointInput, whileRunning: boolean): Promise<Taken> {
    const { table, live, store, spaces } = this.#tools;
    const row = this.#open(id);
    const { snapshot_id: snapshot = uuidV7() } = input;
    const known = store.sessions.sinceOf(row.n, snapshot);
    if (known !== undefined)
      return { ...(await this.#again(row, chosen(row, input, snapshot))), since: known };
    if (row.state === 'preparing') throw busy(id, 'is not ready yet');
    const found = live.get(id);
    if (found.checkpointing) throw busy(id, 'has a checkpoint in the making');
    const [holder] = whileRunning ? [] : spaces.holdersOf(row.workspace);
    if (holder !== undefined) throw busy(id, `has a run in it: ${holder}`);
    const since = this.#beforeIt(row);
    this.#refuseTaken(snapshot);
    found.checkpointing = true;
    try {
      // Whoever comes after a crash knows what it was for.
      table.change(id, { checkpointing: { snapshot, since }, unsettled: true });
      const taken = await spaces.snapshot(row.workspace, chosen(row, input, snapshot), { whileRunning });
      await this.#keep(row, snapshot, since);
      return { ...taken, since };
    } catch (error) {
      table.change(id, without, (now) => now.progress.checkpointing?.snapshot === snapshot);
      throw error instanceof RunwireError && error.code === 'workspace_busy'
        ? busy(id, `is not at rest: ${error.message}`)
        : error;
    } finally {
      found.checkpointing = false;
      live.changed(found);
    }
  }

  /** What it is compared with. Where an earlier version let that be deleted: what was there when the session was ready. */
  #beforeIt({ id, progress: { lastCheckpoint, readyChoice } }: SessionRow): string {
    if (readyChoice === null) throw busy(id, 'is not ready yet');
    if (lastCheckpoint === null) return readyChoice;
    return this.#tools.store.snapshots.get(lastCheckpoint) === undefined ? readyChoice : lastCheckpoint;
  }

  /** What an earlier server had begun may not have been settled where the disk was full. */
  #open(id: string): SessionRow {
    const { table, live } = this.#tools;
    const row = table.open(id);
    if (row.progress.checkpointing === null || live.get(id).checkpointing) return row;
    this.settle(row);
    return table.open(id);
  }

  /** One that an earlier server had begun is one if its snapshot is there; it is settled before anybody asks. */
  settle(row: SessionRow): void {
    const { checkpointing } = row.progress;
    if (checkpointing === null) return;
    const { store, table } = this.#tools;
    const { snapshot, since } = checkpointing;
    const stored = store.snapshots.get(snapshot);
    if (stored?.workspace === row.workspace && store.sessions.sinceOf(row.n, snapshot) === undefined) {
      store.sessions.addCheckpoint(row.n, snapshot, since);
      table.change(row.id, (now) => ({ ...without(now), lastCheckpoint: snapshot }));
    } else table.change(row.id, without);
  }

  async #keep(row: SessionRow, snapshot: string, since: string): Promise<void> {
    const { store, table } = this.#tools;
    store.sessions.addCheckpoint(row.n, snapshot, since);
    table.change(row.id, (row) => ({ ...without(row), lastCheckpoint: snapshot, lastUsedAt: Date.now() }));
    await store.committed();
  }

  /** Another body is snapshot_conflict. */
  async #again(
    { workspace }: SessionRow,
    input: CheckpointInput,
  ): Promise<{ snapshot: Snapshot; replayed: boolean }> {
    const { spaces, snapshots } = this.#tools;
    snapshots.get(input.snapshot_id ?? '');
    return spaces.snapshot(workspace, input, { whileRunning: true });
  }

  #refuseTaken(id: string): void {
    if (this.#tools.store.snapshots.get(id) === undefined) return;
    throw new RunwireError(
      'snapshot_conflict',
      `${id} is a snapshot that is no checkpoint of this session: delete it first, or send another snapshot_id.`,
    );
  }
}
