import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../platform/error-words.ts';

/** What was removed. */
export interface Swept {
  removed: number;
  bytes: number;
}

/** Removes every content that is not held, and what was never whole. */
export function sweepContents(directory: string, held: ReadonlySet<string>, goOn: () => void): Swept {
  const swept = { removed: 0, bytes: 0 };
  for (const part of namesIn(directory)) {
    for (const name of namesIn(join(directory, part))) {
      goOn();
      if (part !== 'new' && held.has(name)) continue;
      const path = join(directory, part, name);
      const size = statSync(path, { throwIfNoEntry: false })?.size;
      if (size === undefined) continue;
      rmSync(path, { recursive: true, force: true });
      swept.removed++;
      swept.bytes += size;
    }
  }
  return swept;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}
