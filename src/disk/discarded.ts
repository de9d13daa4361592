import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTree } from '../platform/remove-tree.ts';
import { type RunDirectory, runDirectoryAt } from './run-directory.ts';

/** Files taken away from their run or workspace, not deleted yet. */
export interface Discarded {
  /** Where they are until they are dropped. */
  directory: RunDirectory;
  drop(): Promise<void>;
  /** Give them back, where no new run has taken their place. */
  restore(): void;
}

/** Between the name of the directory and what makes it unique. */
const MARK = '~';

/** Where directories are, and where they are until they are deleted: names of the data directory. */
const OF = {
  runs: 'discarded',
  workspaces: 'discarded-workspaces',
} as const;

/**
 * Directories of runs, or of workspaces, on their way out. A directory is renamed away at once and deleted later: a new one
 * with the same id never meets the files of the old one.
 */
export class DiscardedFiles {
  readonly #home: string;
  readonly #place: string;

  constructor(dataDir: string, of: keyof typeof OF = 'runs') {
    this.#home = join(dataDir, of);
    this.#place = join(dataDir, OF[of]);
  }

  /** `name`: of its directory; `within`: of one in it, which alone is taken. */
  take(name: string, within = ''): Discarded {
    const place = join(this.#place, `${name}${MARK}${randomUUID()}`);
    const moved = this.#move(join(this.#home, name, within), place);
    return {
      directory: runDirectoryAt(place),
      drop: async () => {
        if (moved) await removeTree(place);
      },
      restore: () => {
        if (moved) this.#giveBack(name, place);
      },
    };
  }

  /** Take and delete. */
  async remove(name: string): Promise<void> {
    await this.take(name).drop();
  }

  /** Files of runs that still have a record: the server died before their deletion was stored. `isKnown`: of this name. */
  restoreKnown(isKnown: (name: string) => boolean): void {
    for (const discarded of this.#names()) {
      const name = discarded.slice(0, discarded.lastIndexOf(MARK));
      if (isKnown(name)) this.#giveBack(name, join(this.#place, discarded));
    }
  }

  /**
   * Delete what is discarded, and directories that have no record. Returns the names of the latter. Throws when it is
   * through with all.
   */
  async sweep(isKnown: (name: string) => boolean): Promise<string[]> {
    const unknown: string[] = [];
    const failed: unknown[] = [];
    for (const name of this.#names())
      await removeTree(join(this.#place, name)).catch((error) => failed.push(error));
    for await (const { name } of await opendir(this.#home)) {
      if (isKnown(name)) continue;
      unknown.push(name);
      await this.remove(name).catch((error) => failed.push(error));
    }
    if (failed.length > 0) throw failed[0];
    return unknown;
  }

  #names(): string[] {
    return existsSync(this.#place) ? readdirSync(this.#place) : [];
  }

  #giveBack(name: string, place: string): void {
    if (!existsSync(join(this.#home, name))) renameSync(place, join(this.#home, name));
  }

  #move(from: string, to: string): boolean {
    if (!existsSync(from)) return false;
    mkdirSync(this.#place, { recursive: true, mode: 0o700 });
    renameSync(from, to);
    return true;
  }
}
