import { fstatSync, lstatSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { codeOf } from '../platform/error-words.ts';
import { namesIn, openDirectory, placeOf, type ScanOf, shut } from './walk.ts';

/** Each level of a tree that is removed is an open directory: what is deeper is moved up first. */
const MAX_DEPTH = 64;

/**
 * Removes what is at a place, with all that is in it; no link is followed, nothing that is mounted is gone into, and a private
 * directory stays. `deep`: names a place on the same file system that is free, for what lies too deep.
 */
export function remove(place: string | Buffer, isPrivate: ScanOf['isPrivate'], deep: () => string): void {
  const moved: string[] = [];
  removeAt(place, isPrivate, 0, (from) => {
    const to = deep();
    renameSync(from, to);
    moved.push(to);
  });
  for (const at of moved) remove(at, isPrivate, deep);
}

function removeAt(
  place: string | Buffer,
  isPrivate: ScanOf['isPrivate'],
  depth: number,
  moveUp: (from: string | Buffer) => void,
): void {
  const stats = lstatSync(place, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isDirectory()) return gone(() => unlinkSync(place));
  // Who may not write in a directory may not move it either.
  const found = openDirectory(place, true);
  try {
    if (isPrivate(fstatSync(found.fd), found.fd)) return;
    if (depth > MAX_DEPTH) return moveUp(place);
    if (isGoneEmpty(place)) return;
    const { names, bytes } = namesIn(found.fd);
    for (const name of bytes ?? names) removeAt(placeOf(found.fd, name), isPrivate, depth + 1, moveUp);
  } finally {
    shut({ fd: found.fd, mode: null });
  }
  gone(() => rmdirSync(place));
}

/** Also tells of a directory on which something is mounted (EBUSY), before what is in that is touched. */
function isGoneEmpty(place: string | Buffer): boolean {
  try {
    rmdirSync(place);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return true;
    if (codeOf(error) !== 'ENOTEMPTY') throw error;
    return false;
  }
}

function gone(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}
