import { randomUUID } from 'node:crypto';
import { constants, symlinkSync } from 'node:fs';
import { chmod, copyFile, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { scan } from '../files/scan.ts';
import { Tree } from '../files/tree.ts';

/**
 * Puts copies of the files of a directory that nobody else has into a tree that others may have, below the directory
 * `into`: each is written beside and renamed, what has its name is replaced, and no link of the tree is followed. Done
 * again it does the same. Throws BadName where a directory is in the way of a file, or the other way round.
 */
export async function putInto({
  from,
  root,
  beside,
  into = [],
}: {
  from: string;
  root: string;
  beside: string;
  into?: readonly string[];
}): Promise<void> {
  const tree = new Tree(root);
  try {
    for await (const { path, type, stats, target } of scan({ root: from, isPrivate: () => false })) {
      const parts = [...into, ...path.split('/')];
      if (type === 'directory') tree.directory(parts);
      if (type !== 'file' && type !== 'link') continue;
      const staged = join(beside, randomUUID());
      try {
        if (type === 'link') symlinkSync(target ?? '', staged);
        else {
          await copyFile(join(from, path), staged, constants.COPYFILE_FICLONE);
          await chmod(staged, stats.mode & 0o777);
          await utimes(staged, stats.mtime, stats.mtime);
        }
        tree.replace(parts, staged);
      } finally {
        await rm(staged, { force: true });
      }
    }
  } finally {
    tree.close();
  }
}
