import type { Diff, DiffStats } from '../documents/snapshot.ts';
import { changesOf } from './changes.ts';
import type { Contents } from './contents.ts';
import { CountBudget } from './count-budget.ts';
import { countLines, fileDiff } from './file-diff.ts';
import { quoted } from './git-names.ts';
import { keepStats, knownStats } from './known-stats.ts';
import { Page } from './page.ts';
import { isRefused, partsOf } from './parts.ts';
import { patchOfPart } from './patch.ts';

export type { Contents } from './contents.ts';

/** How trees differ whose lists and contents are here, each given by the digest of its list. */
export class Differences {
  readonly #contents: Contents;

  constructor(contents: Contents) {
    this.#contents = contents;
  }

  page(from: string, to: string, options: PageOptions): Promise<Diff> {
    return diffOf(this.#contents, from, to, options);
  }

  patch(from: string, to: string): AsyncGenerator<Buffer> {
    return patchOf(this.#contents, from, to);
  }
}

export interface PageOptions {
  limit: number;
  /** Path behind which it begins. */
  after?: string;
  /** With the text of each change. */
  patch: boolean;
  /** Aborted when nobody waits for it any more. */
  signal?: AbortSignal;
}

/**
 * One page, the changes behind `after`, and the stats of all of it. A page may have fewer than `limit` where there is
 * much in it. Throws RunwireError gone where a content is not there.
 */
export async function diffOf(
  contents: Contents,
  from: string,
  to: string,
  options: PageOptions,
): Promise<Diff> {
  const known = knownStats(contents, from, to);
  const stats: DiffStats = known ?? { ...NOTHING };
  const page = new Page(options);
  const budget = new CountBudget();
  for await (const change of changesOf(contents, from, to)) {
    options.signal?.throwIfAborted();
    const count = budget.covers(change);
    const told = page.takes(change)
      ? await fileDiff(contents, change, { count, patch: options.patch })
      : null;
    if (told !== null) page.add(change, told);
    if (known !== null) {
      if (page.nextCursor !== null) break;
      continue;
    }
    stats[change.kind]++;
    if (!count) stats.uncounted++;
    const lines = count && told === null ? await countLines(contents, change) : null;
    stats.lines_added += told?.lines_added ?? lines?.added ?? 0;
    stats.lines_removed += told?.lines_removed ?? lines?.removed ?? 0;
  }
  if (known === null) keepStats(contents, from, to, stats);
  return { from, to, stats: { ...stats }, files: page.files, next_cursor: page.nextCursor };
}

/**
 * All of it as git writes it, for `git apply`, with a line of words for what git would not take: it would refuse the
 * rest with it. Throws RunwireError gone where a content is not there.
 */
export async function* patchOf(contents: Contents, from: string, to: string): AsyncGenerator<Buffer> {
  for await (const change of changesOf(contents, from, to)) {
    const parts = partsOf(change);
    if (parts.length > 0 && isRefused(change))
      yield Buffer.from(`# left out, git takes no patch of a path like this: ${quoted(change.path)}\n`);
    else for (const part of parts) yield* patchOfPart(contents, part);
  }
}

const NOTHING: DiffStats = {
  created: 0,
  deleted: 0,
  modified: 0,
  mode_changed: 0,
  lines_added: 0,
  lines_removed: 0,
  uncounted: 0,
};
