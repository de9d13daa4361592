import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** All that is in a directory of this machine: by path its mode and hash, or what a link says. */
export function treeHere(directory: string, below = ''): Record<string, string> {
  const tree: Record<string, string> = {};
  for (const name of readdirSync(join(directory, below)).toSorted()) {
    const path = below === '' ? name : `${below}/${name}`;
    const stats = lstatSync(join(directory, path));
    const mode = (stats.mode & 0o777).toString(8);
    if (stats.isDirectory()) Object.assign(tree, { [path]: `directory ${mode}` }, treeHere(directory, path));
    else if (stats.isSymbolicLink()) tree[path] = `link ${readlinkSync(join(directory, path))}`;
    else tree[path] = `file ${mode} ${hashOf(readFileSync(join(directory, path)))}`;
  }
  return tree;
}

export const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
