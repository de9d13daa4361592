import { lstat, mkdir } from 'node:fs/promises';
import type { RunDirectory } from '../disk/run-directory.ts';
import { LeftOut } from './open-inside.ts';

const FIRST_MS = Date.parse('0000-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** A program can leave a link there: copies would be written over what it leads to. */
export async function makeStorage({ artifacts }: RunDirectory): Promise<void> {
  await mkdir(artifacts, { recursive: true, mode: 0o700 });
  if (!(await lstat(artifacts)).isDirectory()) throw new LeftOut('something else is where copies are kept');
}

/** RFC 3339 has the years 0000 to 9999; a file may say anything. */
export function timeOf(ms: number): string {
  return new Date(Math.min(Math.max(ms, FIRST_MS), LAST_MS)).toISOString();
}
