import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { RunDirectory } from '../../src/disk/run-directory.ts';
import { readJsonFile, writeJsonFile } from '../../src/platform/json-file.ts';

/** What programs in a kept container need to know of it. */
export const KeptFacts = z.object({
  id: z.string(),
  image: z.string(),
  /** Who runs commands. */
  user: z.string(),
  entrypoint: z.array(z.string()),
  /** CMD of the image. */
  command: z.array(z.string()),
  /** Its keeper keeps what a program left running writes. Not so in those that earlier versions made. */
  keepsLate: z.boolean().default(false),
  /** Its keeper can give programs a terminal. The same. */
  terminals: z.boolean().default(false),
  /** Of a session: what all of its runs are given, path to digest. Absent: nothing. */
  given: z.record(z.string(), z.string()).optional(),
});
/** A container whose first process is a keeper: programs come and go in it. */
export type KeptContainer = z.infer<typeof KeptFacts>;

/** What a later server must know of a container that this one starts. */
const ContainerRecord = z.object({
  container_id: z.string(),
  /** `open`: more was to come; `cut`: a server that went away closed it. */
  stdin: z.enum(['none', 'open', 'sent', 'cut']),
  /** Where its ports are, once that has been told. */
  ports: z.record(z.string(), z.string()).optional(),
  /** Where programs come and go in it. */
  kept: z
    .object({
      container: KeptFacts,
      /** What the directories of its programs begin with. Nobody else could guess it. */
      directory: z.string(),
      /** The last of its programs that may have been begun, the command after those of the setup; −1: none. */
      begun: z.number().int(),
    })
    .optional(),
});
export type ContainerRecord = z.infer<typeof ContainerRecord>;

/** Written before the daemon is asked to start it: without one, nothing was ever started. */
export function writeContainerRecord(directory: RunDirectory, record: ContainerRecord): void {
  writeJsonFile(place(directory), record);
}

/** Changes nothing where there is no record. */
export function changeContainerRecord(
  directory: RunDirectory,
  change: Partial<Omit<ContainerRecord, 'container_id'>>,
): void {
  const record = readContainerRecord(directory);
  if (record !== null) writeContainerRecord(directory, { ...record, ...change });
}

/** Null when there is none. Throws when it cannot be read. */
export function readContainerRecord(directory: RunDirectory): ContainerRecord | null {
  return readJsonFile(place(directory), ContainerRecord);
}

export function forgetContainerRecord(directory: RunDirectory): void {
  rmSync(place(directory), { force: true });
}

function place(directory: RunDirectory): string {
  return join(directory.root, 'container.json');
}
