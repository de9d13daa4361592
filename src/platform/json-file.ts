import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { parseJson } from './json-parse.ts';

/**
 * One JSON file, written by rename: who reads it, after a crash too, finds what was there before or this, never a part.
 * Its directory is made. For the owner alone. Throws what the file system throws, and leaves no part then.
 */
export function writeJsonFile(path: string, value: unknown): void {
  const unfinished = `${path}.new`;
  const directory = dirname(path);
  if (!existsSync(directory)) mkdirSync(directory, { recursive: true, mode: 0o700 });
  try {
    writeFileSync(unfinished, JSON.stringify(value), { mode: 0o600 });
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

/** Null when there is none. Throws what the file system throws, and an Error in words for what `writeJsonFile` never wrote there. */
export function readJsonFile<Content>(
  path: string,
  schema: { parse(value: unknown): Content },
): Content | null {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return null;
  const text = readFileSync(path, 'utf8');
  try {
    return schema.parse(parseJson(text));
  } catch (error) {
    throw new Error(`${basename(path)} is torn, or was written by something else`, {
      cause: error,
    });
  }
}
