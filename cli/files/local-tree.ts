import { constants, openAsBlob } from 'node:fs';
import { access, lstat, readdir, readlink, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { TarEntry } from '../../client/runwire.ts';
import { Failure } from '../process/failure.ts';
import { say } from '../process/say.ts';

/** A file or a directory here, and where it goes: a relative path with slashes, '' for what is in a directory. */
export interface Upload {
  from: string;
  to: string;
}

/** Where it goes if nobody says: under its own name; what is in it, if that is `.` or ends with `/.`. */
export const nameOf = (from: string): string => (/(^|\/)\.\/?$/.test(from) ? '' : basename(resolve(from)));

/** What goes into an archive. A link that is named itself is followed, those below are sent as links. Files are read when they are sent. */
export async function entriesOf({ from, to }: Upload): Promise<TarEntry[]> {
  const stats = await stat(from);
  if (stats.isFile()) {
    if (to === '') throw new Failure(`${from} is a file: where it goes must have a name`);
    return [await fileEntry(from, to)];
  }
  if (!stats.isDirectory()) throw new Failure(`${from} is neither a file nor a directory`);
  const entries: TarEntry[] = [];
  const left = [{ at: from, as: to }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { at, as } = next;
    if (as !== '') entries.push(await directoryEntry(at, as));
    const names = await readdir(at, { encoding: 'buffer' });
    for (const bytes of names.sort(Buffer.compare)) {
      const name = bytes.toString();
      if (!Buffer.from(name).equals(bytes)) throw new Failure(`${join(at, name)}: its name is not UTF-8`);
      const entry = { at: join(at, name), as: as === '' ? name : `${as}/${name}` };
      const kind = await lstat(entry.at);
      if (kind.isDirectory()) left.push(entry);
      else if (kind.isFile()) entries.push(await fileEntry(entry.at, entry.as));
      else if (kind.isSymbolicLink())
        entries.push({ path: entry.as, target: await readlink(entry.at), modifiedAt: kind.mtime });
      else say(`left out: ${entry.at} is neither a file, a directory nor a link`);
    }
  }
  return entries;
}

async function directoryEntry(path: string, as: string): Promise<TarEntry> {
  const { mode, mtime } = await stat(path);
  return { path: as, directory: true, mode: mode & 0o777, modifiedAt: mtime };
}

async function fileEntry(path: string, as: string): Promise<TarEntry> {
  await access(path, constants.R_OK);
  const { mode, mtime } = await stat(path);
  return { path: as, body: await openAsBlob(path), mode: mode & 0o777, modifiedAt: mtime };
}
