import { existsSync, readdirSync } from 'node:fs';
import { RunwireError } from '../documents/errors.ts';
import { messageOf } from '../platform/error-words.ts';
import { removeTree } from '../platform/remove-tree.ts';
import type { StoredWorkspace, WorkspaceFacts } from '../store/workspaces.ts';
import { type FillParts, fill, type Sources } from './fill.ts';
import type { Space } from './space.ts';
import { directoryOf, type SpaceTools, steadyRowOf, storeUnlessClosed } from './tools.ts';
import { jobOf } from './tree-counts.ts';
import type { TreeJob } from './tree-hands.ts';
import { inputOf, usedAt } from './workspace-facts.ts';

/** Brings workspaces from `filling` to `ready`, or to `failed` with its reason. */
export class Filler {
  readonly #tools: SpaceTools;
  readonly #parts: FillParts;
  readonly #going = new Set<Promise<void>>();

  constructor(tools: SpaceTools, sources: Sources) {
    this.#tools = tools;
    const { hands, shots, places } = tools;
    this.#parts = {
      ...{ hands, shots, places, sources },
      still: (id, copy, signal) => this.#still(id, copy, signal),
    };
  }

  /** Resolves when it is over, with whatever came of it; the line of its runs is closed until then. */
  begin(row: StoredWorkspace): Promise<void> {
    const space = this.#tools.spaces.get(row.id);
    const giveUp = new AbortController();
    const open = space.line.close();
    space.filling = giveUp;
    const going = this.#lead(row, AbortSignal.any([giveUp.signal, this.#tools.closed])).finally(() => {
      this.#going.delete(going);
      space.filling = null;
      open();
      this.#tools.spaces.changed(space);
    });
    this.#going.add(going);
    return going;
  }

  /** Resolves when nothing of it goes on any more. */
  async giveUp(space: Space): Promise<void> {
    space.filling?.abort();
    while (space.filling) await space.next();
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#going);
  }

  async #lead(row: StoredWorkspace, signal: AbortSignal): Promise<void> {
    const { store, log } = this.#tools;
    let facts: Partial<WorkspaceFacts>;
    try {
      facts = await this.#fill(row, signal);
    } catch (error) {
      if (signal.aborted) return; // it is removed, or the next server's
      const reason = messageOf(error);
      log.warn({ workspace_id: row.id, err: error }, 'a workspace could not be filled');
      facts = { state: 'failed', reason };
    }
    if (!(await storeUnlessClosed(this.#tools, () => store.workspaces.change(row.id, facts)))) return;
    // What it was made of is in the tree, or of no use.
    await removeTree(directoryOf(this.#tools, row.id).sent).catch((err) =>
      log.warn({ workspace_id: row.id, err }, 'files that were sent could not be removed'),
    );
  }

  async #fill(row: StoredWorkspace, signal: AbortSignal): Promise<Partial<WorkspaceFacts>> {
    const { hands, shots, places, maxBytes } = this.#tools;
    const input = inputOf(row);
    const directory = directoryOf(this.#tools, row.id);
    const most = input.max_bytes ?? maxBytes;
    await fill(this.#parts, directory, input.from, signal, most);
    const job = jobOf(directory, places);
    const amount = await hands.count(job);
    if (amount.bytes > most)
      throw new RunwireError(
        'workspace_full',
        `it would have ${amount.bytes} bytes, and at most ${most} are allowed`,
      );
    const own = { of: row.id, what: 'base', madeAt: row.createdAt } as const;
    const { from } = input;
    // One that begins empty, or as a snapshot is, needs no other one to be reset.
    const baseSnapshot =
      from === undefined && readdirSync(directory.tree).length === 0
        ? null
        : from?.snapshot !== undefined && !existsSync(directory.sent)
          ? from.snapshot
          : (await shots.takeOwn(row.id, job, own)).snapshot_id;
    signal.throwIfAborted();
    return { state: 'ready', reason: null, baseSnapshot, ...amount, ...usedAt(input, Date.now()) };
  }

  async #still(id: string, copy: (job: TreeJob) => Promise<unknown>, signal: AbortSignal): Promise<void> {
    const { spaces, places } = this.#tools;
    const space = spaces.get(id);
    const open = space.line.close();
    try {
      while (space.line.running > 0 || space.filling || space.restoring)
        if (!(await space.next({ signal }))) signal.throwIfAborted();
      steadyRowOf(this.#tools, id);
      await spaces.counting(space, 'takers', () => copy(jobOf(directoryOf(this.#tools, id), places)));
    } finally {
      open();
      spaces.changed(space);
    }
  }
}
