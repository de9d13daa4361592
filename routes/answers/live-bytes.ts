import { type BigIntStats, closeSync, fstatSync } from 'node:fs';
import { blocksBetween } from '../../src/files/blocks.ts';

/** A file that a program may write to while it is read. */
export interface LiveBytes {
  size: number;
  stats: BigIntStats;
  /** The bytes from `start` up to and without `end`. Ends with an error where the file was changed meanwhile: nobody takes them for whole. */
  read(start: number, end: number): AsyncGenerator<Buffer>;
  close(): void;
}

export function liveBytes(fd: number): LiveBytes {
  const stats = fstatSync(fd, { bigint: true });
  return {
    size: Number(stats.size),
    stats,
    read(start, end) {
      return blocksBetween(fd, start, end, () => isWhole(stats, fstatSync(fd, { bigint: true })));
    },
    close: () => closeSync(fd),
  };
}

/** A strong tag (RFC 9110, 8.8.1): no change of the bytes leaves all of these as they were. */
export function identityTag({ stats }: Pick<LiveBytes, 'stats'>): string {
  return `"${tagOf(stats)}"`;
}

/** That it lost a name, to a file that took its place or for good, is no change of the bytes of who reads it. */
function isWhole(before: BigIntStats, now: BigIntStats): boolean {
  if (tagOf(now) === tagOf(before)) return true;
  return now.nlink < before.nlink && now.size === before.size && now.mtimeNs === before.mtimeNs;
}

function tagOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].map((part) => part.toString(36)).join('-');
}
