import { existsSync } from 'node:fs';

const PLACES = ['/usr/bin/prlimit', '/bin/prlimit', '/usr/local/bin/prlimit'];

/** The path of util-linux prlimit(1), which sets limits on itself and becomes a program; or undefined. */
export function findPrlimit(): string | undefined {
  return PLACES.find((path) => existsSync(path));
}
