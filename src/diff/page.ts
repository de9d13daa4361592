import type { FileDiff } from '../documents/snapshot.ts';
import { comparePaths } from '../snapshots/list.ts';
import type { Change } from './changes.ts';
import { costOf } from './file-diff.ts';

/** A page ends with the file that has it read so much for patches, or tell so much of them. */
const MOST_READ_BYTES = 64 * 1024 * 1024;
const MOST_PATCH_CHARACTERS = 4 * 1024 * 1024;

/** The changes behind `after`, as many as may be on one page. */
export class Page {
  readonly files: FileDiff[] = [];
  #isMore = false;
  #read = 0;
  #characters = 0;
  readonly #limit: number;
  readonly #after: string | undefined;
  readonly #patch: boolean;

  constructor({ limit, after, patch }: { limit: number; after?: string; patch: boolean }) {
    this.#patch = patch;
    this.#limit = limit;
    this.#after = after;
  }

  /** Changes are asked for in order. */
  takes({ path }: Change): boolean {
    if (this.#after !== undefined && comparePaths(path, this.#after) <= 0) return false;
    const isFull =
      this.files.length >= this.#limit ||
      this.#read >= MOST_READ_BYTES ||
      this.#characters >= MOST_PATCH_CHARACTERS;
    this.#isMore ||= isFull;
    return !isFull;
  }

  add(change: Change, told: FileDiff): void {
    this.files.push(told);
    if (this.#patch) this.#read += costOf(change) ?? 0;
    this.#characters += told.patch?.length ?? 0;
  }

  /** Null: there are no more. */
  get nextCursor(): string | null {
    return this.#isMore ? (this.files.at(-1)?.path ?? null) : null;
  }
}
