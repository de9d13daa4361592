import { RunwireError } from '../documents/errors.ts';
import type { ScanOf } from '../files/scan.ts';
import { full, type Space } from './space.ts';
import { directoryOf, rowOf, type SpaceTools } from './tools.ts';
import { inputOf } from './workspace-facts.ts';
import type { ChangingTree } from './workspaces.ts';

/** Who changes a workspace waits until it is counted anew, where it has no more files. */
const FEW_FILES = 1000;
/** What does not fit after so many counts is refused, whatever others bring meanwhile. */
const MOST_COUNTS = 10;

/** Changes of workspaces from outside, each within the room that is left in them and on the disk. */
export class Changes {
  readonly #tools: SpaceTools;

  constructor(tools: SpaceTools) {
    this.#tools = tools;
  }

  /** `of`: its tree, for who reads it. Throws workspace_full, insufficient_storage, and what `change` throws. */
  async change<T>(id: string, of: ScanOf, change: (tree: ChangingTree) => Promise<T>): Promise<T> {
    const { spaces, counts, disk } = this.#tools;
    const { beside } = directoryOf(this.#tools, id);
    const space = spaces.get(id);
    space.refuseCopied();
    const coming = { bytes: 0 };
    const fits = (bytes: number): boolean => {
      if (bytes > this.#roomIn(space)) return false;
      coming.bytes += bytes;
      return true;
    };
    const take = async (bytes: number): Promise<void> => {
      const shortage = disk.shortage();
      if (shortage !== null)
        throw new RunwireError('insufficient_storage', shortage, { retryAfterSeconds: 10 });
      // An earlier server may not have come to count what was brought last.
      if (!counts.knows(id)) await this.#count(space);
      for (let tries = 0; !fits(bytes); tries++) {
        if (tries === MOST_COUNTS || (await this.#isKnown(space))) throw full(id, this.#roomIn(space));
      }
    };
    space.coming.add(coming);
    return spaces.counting(space, 'changers', async () => {
      try {
        return await change({ ...of, beside, take });
      } finally {
        space.coming.delete(coming);
        space.brought.add(coming);
        await this.#countAfter(space);
      }
    });
  }

  /** Counts it anew. False: while that was done others have brought what may be counted twice now. */
  async #isKnown(space: Space): Promise<boolean> {
    const others = [...space.coming];
    await this.#count(space);
    return space.brought.size === 0 && others.every((one) => space.coming.has(one));
  }

  async #countAfter(space: Space): Promise<void> {
    const { counts, spaces, store, closed, log } = this.#tools;
    const { id } = space;
    const tell = (err: unknown): void => {
      if (!closed.aborted && store.workspaces.get(id))
        log.warn({ workspace_id: id, err }, 'the files of a workspace could not be counted');
    };
    const isQuick = (store.workspaces.get(id)?.files ?? 0) <= FEW_FILES;
    const due = isQuick ? this.#count(space) : counts.soon(id).then(() => this.#count(space));
    const counted = due.catch(tell).then(() => spaces.changed(space));
    if (isQuick) await counted;
  }

  /** What was brought before is no longer beside what is counted. */
  async #count(space: Space): Promise<void> {
    const brought = [...space.brought];
    await this.#tools.counts.count(space.id);
    for (const one of brought) space.brought.delete(one);
  }

  /** Bytes that may still come into it. */
  #roomIn({ id, coming, brought }: Space): number {
    const row = rowOf(this.#tools, id);
    const uncounted = [...coming, ...brought].reduce((sum, { bytes }) => sum + bytes, 0);
    return (inputOf(row).max_bytes ?? this.#tools.maxBytes) - row.bytes - uncounted;
  }
}
