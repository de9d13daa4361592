import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf } from './error-words.ts';

/**
 * Make a directory and those above it, as far as they are not there. Throws what mkdir says of the first that cannot be
 * made. For paths that others give: Node's own `recursive` never returns where a file system makes no directories and
 * says ENOENT of it, as /proc does.
 */
export function makeDirectory(path: string, mode = 0o777): void {
  const missing: string[] = [];
  for (let at = path; !made(at, mode); at = dirname(at)) missing.push(at);
  for (const at of missing.reverse()) if (!made(at, mode)) throw gone(at);
}

/** False where the directory above is not there. */
function made(path: string, mode: number): boolean {
  try {
    mkdirSync(path, mode);
    return true;
  } catch (error) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return true;
    if (codeOf(error) !== 'ENOENT' || path === dirname(path) || existsSync(dirname(path))) throw error;
    return false;
  }
}

function gone(path: string): Error {
  return new Error(`${dirname(path)} was removed meanwhile`);
}
