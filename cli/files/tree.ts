import { type Download, exactly, type FileEntry, type Runwire } from '../../client/runwire.ts';
import type { Holder } from './place.ts';

/** The files of a run, a workspace or a snapshot. */
export interface Tree {
  files(options?: { glob?: string | undefined; hash?: boolean }): AsyncIterable<FileEntry>;
  file(path: string, options?: { signal?: AbortSignal }): Download;
  archive(options?: { glob?: string | undefined; format?: 'tar' }): Download;
}

export function treeOf(rw: Runwire, { kind, id }: Holder): Tree {
  if (kind === 'run') return rw.attach(id);
  return kind === 'workspace' ? rw.workspaces.attach(id) : rw.snapshots.attach(id);
}

/** Globs longer than this are not taken. */
const LONGEST = 1000;
const MOST_ALTERNATIVES = 90;

/**
 * Globs that match all below a directory: `**` does not go into what begins with a dot, so that each such name is there by itself.
 * Few, unless very many names begin with one.
 */
export function globsBelow(directory: string, paths: Iterable<string>): string[] {
  const roots = new Set([`${exactly(directory)}/**`]);
  for (const path of paths) {
    const parts = path.slice(directory.length + 1).split('/');
    const last = parts.findLastIndex((part) => part.startsWith('.'));
    if (last < 0) continue;
    const root = exactly(`${directory}/${parts.slice(0, last + 1).join('/')}`);
    roots.add(last === parts.length - 1 ? root : `${root}/**`);
  }
  const globs: string[] = [];
  let some: string[] = [];
  for (const root of roots) {
    const length = some.reduce((sum, one) => sum + one.length + 1, root.length + 2);
    if (some.length > 0 && (length > LONGEST || some.length === MOST_ALTERNATIVES)) {
      globs.push(together(some));
      some = [];
    }
    some.push(root);
  }
  return [...globs, together(some)];
}

const together = (globs: readonly string[]): string =>
  globs.length === 1 ? `${globs[0]}` : `{${globs.join(',')}}`;
