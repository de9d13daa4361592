import { existsSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { type TarEntry, tarOf } from '../../client/runwire.ts';
import { entriesOf, nameOf, type Upload } from './local-tree.ts';

/** `PATH[:DEST]`, again and again: for commander, which hands in what came before. A path that is there may have a colon. */
export function upload(text: string, before: Upload[] = []): Upload[] {
  const at = existsSync(text) ? -1 : text.lastIndexOf(':');
  const from = at < 0 ? text : text.slice(0, at);
  if (from === '') throw new InvalidArgumentError('It is PATH or PATH:DEST.');
  return [...before, { from, to: at < 0 ? nameOf(from) : destinationOf(text.slice(at + 1), from) }];
}

/** A directory where it ends with a slash. */
function destinationOf(text: string, from: string): string {
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  if (text.startsWith('/') || parts.includes('..'))
    throw new InvalidArgumentError('DEST is a path in the directory of the run: not absolute, without `..`.');
  if (text.endsWith('/')) parts.push(...[nameOf(from)].filter((name) => name !== ''));
  return parts.join('/');
}

/** All of them in one archive, which is read when it is sent. Null: there is nothing to send. */
export async function archiveOf(uploads: readonly Upload[] = []): Promise<Blob | null> {
  const entries: TarEntry[] = [];
  const directories = new Set<string>();
  for (const one of uploads)
    for (const entry of await entriesOf(one)) {
      if (entry.directory && directories.has(entry.path)) continue;
      if (entry.directory) directories.add(entry.path);
      entries.push(entry);
    }
  return entries.length === 0 ? null : tarOf(entries);
}
