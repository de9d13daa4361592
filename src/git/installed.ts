import { accessSync, constants } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { gitRefusal } from './refusal.ts';

/** The first that takes `http.curloptResolve`: an older one would ask the resolver again, unseen by the guard. */
const FIRST = [2, 37] as const;

/** The absolute path of git. Throws RunwireError where PATH has none. */
export function findGit(path: string): string {
  for (const directory of path.split(':').filter(isAbsolute)) {
    const file = join(directory, 'git');
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not there: look further.
    }
  }
  throw gitRefusal('', 'git is not installed on the server');
}

/** Throws RunwireError for what `git --version` says of a git that cannot be held to one address. */
export function checkVersion(words: string): void {
  const [, major = '0', minor = '0'] = /^git version (\d+)\.(\d+)/.exec(words) ?? [];
  const [atLeast, andThen] = FIRST;
  if (Number(major) > atLeast || (Number(major) === atLeast && Number(minor) >= andThen)) return;
  throw gitRefusal('', `the git of the server is too old: ${FIRST.join('.')} or later is needed`);
}
