import { join } from 'node:path';
import { z } from 'zod';
import type { RunDirectory } from '../../src/disk/run-directory.ts';
import { readJsonFile, writeJsonFile } from '../../src/platform/json-file.ts';

/** Where to ask, and whether the backend or the invocation named that address. */
export interface Place {
  url: URL;
  named: boolean;
}

const StoredPlace = z.object({ url: z.url(), named: z.boolean() }).nullable();
type StoredPlace = z.infer<typeof StoredPlace>;

/** What a later server needs to go on watching a job that an earlier one started. */
const JobRecord = z.object({
  run_id: z.string().optional(),
  last_state: z.string().optional(),
  poll: StoredPlace,
  stream: StoredPlace,
  /** Absent: as the spec has it, which is what earlier releases went by. */
  callback: z.boolean().optional(),
});
export type JobRecord = z.infer<typeof JobRecord>;

export function writeJobRecord(directory: RunDirectory, record: JobRecord): void {
  writeJsonFile(place(directory), record);
}

/** Null: the backend had not taken the job yet, as far as is known. */
export function readJobRecord(directory: RunDirectory): JobRecord | null {
  try {
    return readJsonFile(place(directory), JobRecord);
  } catch {
    return null;
  }
}

function place(directory: RunDirectory): string {
  return join(directory.root, 'http-job.json');
}

export function toRecord(place: Place | null): StoredPlace {
  return place && { url: place.url.href, named: place.named };
}

export function fromRecord(place: StoredPlace): Place | null {
  return place && { url: new URL(place.url), named: place.named };
}
