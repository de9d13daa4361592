import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Make what every run of a data directory relies on: the place of the run directories, and the one empty capture. */
export function prepareDataDirectory(dataDir: string): void {
  mkdirSync(join(dataDir, 'runs'), { recursive: true, mode: 0o700 });
  const empty = join(dataDir, 'empty');
  if (!existsSync(empty)) writeFileSync(empty, '', { mode: 0o400 });
}
