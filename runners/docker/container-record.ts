import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { RunDirectory } from '../../src/disk/run-directory.ts';

/** What a later server must know of a container that this one starts. */
const ContainerRecord = z.object({
  container_id: z.string(),
  /** `open`: more was to come; `cut`: a server that went away closed it. */
  stdin: z.enum(['none', 'open', 'sent', 'cut']),
});
export type ContainerRecord = z.infer<typeof ContainerRecord>;

/** Written before the engine is asked to start it, by rename: without one, nothing was ever started. */
export function writeContainerRecord(directory: RunDirectory, record: ContainerRecord): void {
  const path = place(directory);
  mkdirSync(directory.root, { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Null when there is none. Throws when it cannot be read. */
export function readContainerRecord(directory: RunDirectory): ContainerRecord | null {
  try {
    return ContainerRecord.parse(JSON.parse(readFileSync(place(directory), 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

export function forgetContainerRecord(directory: RunDirectory): void {
  rmSync(place(directory), { force: true });
}

function place(directory: RunDirectory): string {
  return join(directory.root, 'container.json');
}
