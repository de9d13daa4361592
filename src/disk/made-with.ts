import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJsonFile, writeJsonFile } from '../platform/json-file.ts';

/**
 * Defaults that take something away are numbered, and a data directory has those that it was made with: an upgrade
 * takes nothing. 0: none; 1: finished runs are bounded.
 */
export const NEWEST_DEFAULTS = 1;

const MadeWith = {
  parse(value: unknown): { defaults: number } {
    const defaults =
      value !== null && typeof value === 'object' && 'defaults' in value ? value.defaults : null;
    if (typeof defaults !== 'number' || !Number.isSafeInteger(defaults) || defaults < 0)
      throw new Error('defaults is no number of such');
    return { defaults };
  },
};
const fileIn = (dataDir: string): string => join(dataDir, 'made-with.json');

/** In a data directory that is being made; one that has a database was made before. */
export function noteDefaults(dataDir: string): void {
  if (!existsSync(join(dataDir, 'runwire.db'))) writeJsonFile(fileIn(dataDir), { defaults: NEWEST_DEFAULTS });
}

/** The number of the defaults of a data directory. Throws an Error in words for a note that is damaged. */
export function defaultsOf(dataDir: string): number {
  return readJsonFile(fileIn(dataDir), MadeWith)?.defaults ?? 0;
}
