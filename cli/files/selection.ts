import { exactly, type FileEntry } from '../../client/runwire.ts';
import { Failure } from '../process/failure.ts';
import { type Remote, written } from './place.ts';
import type { Coming } from './receive.ts';
import { globsBelow, type Tree } from './tree.ts';

/** What a path names. Null: all of the tree. */
export async function lookUp(tree: Tree, remote: Remote): Promise<FileEntry | null> {
  if (remote.path === '') return null;
  for await (const entry of tree.files({ glob: exactly(remote.path), hash: true })) return entry;
  throw new Failure(`${written(remote)}: there is no such file or directory [file_not_found]`);
}

/** All of a tree, or what a glob matches. */
export async function whole(tree: Tree, glob?: string): Promise<Coming> {
  const entries = new Map<string, FileEntry>();
  for await (const entry of tree.files({ glob, hash: true })) entries.set(entry.path, entry);
  return { entries, globs: [glob], here: (path) => path };
}

/** One file or link, which is called `name` here. */
export const one = (entry: FileEntry, name: string): Coming => ({
  entries: new Map([[entry.path, entry]]),
  globs: [],
  here: () => name,
});

/** A directory with all that is in it, which is called `name` here; '': what is in it. */
export async function below(tree: Tree, directory: FileEntry, name: string): Promise<Coming> {
  const start = `${directory.path}/`;
  const paths: string[] = [];
  for await (const { path } of tree.files()) if (path.startsWith(start)) paths.push(path);
  const globs = paths.length === 0 ? [] : globsBelow(directory.path, paths);
  const entries = new Map<string, FileEntry>();
  if (name !== '') entries.set(directory.path, directory);
  for (const glob of globs)
    for await (const entry of tree.files({ glob, hash: true })) entries.set(entry.path, entry);
  const here = (path: string): string =>
    path === directory.path ? name : `${name === '' ? '' : `${name}/`}${path.slice(start.length)}`;
  return { entries, globs, here };
}
