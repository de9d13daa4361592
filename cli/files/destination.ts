import { realpathSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { Failure } from '../process/failure.ts';
import { STDOUT } from './copied.ts';

/** Where something called `name` goes, as `cp` has it: below a directory that is there, else under the name that is given. */
export function landingOf(destination: string, name: string): { directory: string; name: string } {
  const stats = statSync(destination, { throwIfNoEntry: false });
  if (stats?.isDirectory()) return { directory: destination, name };
  if (/\/$/.test(destination)) throw new Failure(`${destination}: there is no such directory`);
  const at = stats === undefined ? destination : realpathSync(destination);
  const directory = dirname(at);
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory())
    throw new Failure(`${destination}: there is no directory ${directory}`);
  return { directory, name: basename(at) };
}

/** Bytes can be written there alone: a device, a pipe. */
export function isDevice(destination: string): boolean {
  if (destination === STDOUT) return true;
  const stats = statSync(destination, { throwIfNoEntry: false });
  return stats !== undefined && !stats.isFile() && !stats.isDirectory();
}
