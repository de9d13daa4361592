import { lstatSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { PrivatePlaces } from '../disk/private-places.ts';
import { type WorkspaceDirectory, workspaceDirectory } from '../disk/workspace-directory.ts';
import { afterMs } from '../platform/timer.ts';
import type { InvocationStore } from '../store/invocation-store.ts';
import type { TreeHands, TreeJob } from './tree-hands.ts';
import { inputOf, usedAt } from './workspace-facts.ts';

export interface Amount {
  files: number;
  bytes: number;
}

/**
 * The tree of a workspace as work for hands. Throws the error of the file system where it is not there. A program may have
 * put a link in the place of the tree: that is not followed, and refused by hands.
 */
export function jobOf({ root, tree, index }: WorkspaceDirectory, places: PrivatePlaces): TreeJob {
  lstatSync(tree);
  return { root: join(realpathSync(root), basename(tree)), index, seen: places.see({ work: tree }) };
}

/** Many changes in so long are counted together. */
const SOON_MS = 500;

export interface CountParts {
  dataDir: string;
  store: Pick<InvocationStore, 'workspaces' | 'committed'>;
  hands: Pick<TreeHands, 'count'>;
  places: PrivatePlaces;
}

/** Files and bytes of workspaces, counted after every use and kept in their records. */
export class TreeCounts {
  readonly #parts: CountParts;
  /** By id: the count that goes on, and the one after it, for who came meanwhile. */
  readonly #going = new Map<string, Promise<unknown>>();
  readonly #next = new Map<string, Promise<Amount>>();
  readonly #soon = new Map<string, Promise<void>>();
  readonly #known = new Set<string>();

  constructor(parts: CountParts) {
    this.#parts = parts;
  }

  /** Counts what is there after this call; its time begins again. */
  count(id: string): Promise<Amount> {
    const going = this.#going.get(id);
    if (going === undefined) return this.#begin(id);
    let next = this.#next.get(id);
    if (next === undefined) {
      const again = (): Promise<Amount> => {
        this.#next.delete(id);
        return this.#begin(id);
      };
      next = going.then(again, again);
      this.#next.set(id, next);
    }
    return next;
  }

  /** When it is to be counted for all who have changed it until then. */
  soon(id: string): Promise<void> {
    let soon = this.#soon.get(id);
    if (soon === undefined) {
      const due = Promise.withResolvers<void>();
      afterMs(SOON_MS, due.resolve, { ref: false });
      soon = due.promise.then(() => void this.#soon.delete(id));
      this.#soon.set(id, soon);
    }
    return soon;
  }

  /** Has this server counted it. */
  knows(id: string): boolean {
    return this.#known.has(id);
  }

  /** It is removed. */
  forget(id: string): void {
    this.#known.delete(id);
  }

  #begin(id: string): Promise<Amount> {
    const counting = this.#count(id);
    this.#going.set(id, counting);
    const over = (): void => {
      if (this.#going.get(id) === counting) this.#going.delete(id);
    };
    counting.then(over, over);
    return counting;
  }

  async #count(id: string): Promise<Amount> {
    const { dataDir, store, hands, places } = this.#parts;
    const { files, bytes } = await hands.count(jobOf(workspaceDirectory(dataDir, id), places));
    const row = store.workspaces.get(id);
    if (row) {
      this.#known.add(id);
      store.workspaces.change(id, { files, bytes, ...usedAt(inputOf(row), Date.now()) });
      await store.committed();
    }
    return { files, bytes };
  }
}
