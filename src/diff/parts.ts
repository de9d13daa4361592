import type { Listed } from '../snapshots/list.ts';
import { type Change, hasSameContent } from './changes.ts';
import type { Blob } from './contents.ts';
import { isRefusedByGit } from './git-names.ts';

/** What git has for one change: a file or link that comes, goes, or stays under its name with another content or mode. */
export interface Part {
  path: string;
  old: Blob | null;
  new: Blob | null;
  /** Only the mode is another one. */
  sameContent: boolean;
}

/** None where git knows no such thing: of directories, and of modes but for whether the owner may execute. Two where a file becomes a link, or a link a file. */
export function partsOf({ path, old, new: now }: Change): Part[] {
  const [before, after] = [blobOf(old), blobOf(now)];
  if (before !== null && after !== null) {
    if (before.type !== after.type)
      return [
        { path, old: before, new: null, sameContent: false },
        { path, old: null, new: after, sameContent: false },
      ];
    const sameContent = hasSameContent(before, after);
    return sameContent && gitMode(before) === gitMode(after)
      ? []
      : [{ path, old: before, new: after, sameContent }];
  }
  return before === null && after === null ? [] : [{ path, old: before, new: after, sameContent: false }];
}

export function gitMode(blob: Blob): string {
  if (blob.type === 'link') return '120000';
  return (blob.mode & 0o100) === 0 ? '100644' : '100755';
}

/** Git would apply nothing of a patch with this in it. */
export const isRefused = ({ path, old, new: now }: Change): boolean =>
  isRefusedByGit(path, old?.type === 'link' || now?.type === 'link');

const blobOf = (listed: Listed | null): Blob | null => (listed?.type === 'directory' ? null : listed);
