import { lstatSync, readdirSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

import { codeOf } from '../platform/error-words.ts';
import { COMING, type Contents } from './contents.ts';

/** What was removed. */
export interface Swept {
  removed: number;
  bytes: number;
}

/** Removes every content that is not held, and what was never whole. */
export function sweepContents(contents: Contents, held: ReadonlySet<string>, goOn: () => void): Swept {
  const { directory } = contents;
  const swept = { removed: 0, bytes: 0 };
  contents.renewStamp();
  for (const part of namesIn(directory)) {
    if (part === COMING) continue;
    for (const name of namesIn(join(directory, part))) {
      goOn();
      if (part !== 'new' && held.has(name)) continue;
      const path = join(directory, part, name);
      const size = lstatSync(path, { throwIfNoEntry: false })?.size;
      if (size === undefined) continue;
      if (part === 'new') rmSync(path, { recursive: true, force: true });
      else unlinkSync(path);
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
