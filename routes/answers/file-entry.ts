import { createHash } from 'node:crypto';
import { closeSync } from 'node:fs';
import type { FileEntry } from '../../src/documents/file-entry.ts';
import { blocksOf, readNow, SMALL_BYTES } from '../../src/files/blocks.ts';
import type { Entry } from '../../src/files/scan.ts';

const FIRST_MS = Date.parse('0000-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** An entry of a tree as clients see it. `hash`: with the SHA-256 of a file. */
export async function describeEntry(entry: Entry, hash: boolean): Promise<FileEntry> {
  const { path, type, stats, target, sha256 } = entry;
  const isFile = type === 'file';
  return {
    path,
    type,
    size_bytes: isFile ? stats.size : 0,
    mode: (stats.mode & 0o7777).toString(8).padStart(4, '0'),
    modified_at: new Date(Math.min(Math.max(stats.mtimeMs, FIRST_MS), LAST_MS)).toISOString(),
    ...(target !== undefined && { target }),
    ...(isFile && (sha256 !== undefined ? { sha256 } : hash && (await hashed(entry)))),
  };
}

/** Small files are read into it and hashed at once. */
const smallRoom = Buffer.allocUnsafeSlow(SMALL_BYTES);

/** Nothing where it cannot be read, or got shorter meanwhile. */
async function hashed(entry: Entry): Promise<{ sha256?: string }> {
  const fd = entry.open();
  if (fd === null) return {};
  const hash = createHash('sha256');
  try {
    const { size } = entry.stats;
    if (size <= SMALL_BYTES) hash.update(smallRoom.subarray(0, readNow(fd, smallRoom.subarray(0, size))));
    else for await (const block of blocksOf(fd, size)) hash.update(block);
    return { sha256: hash.digest('hex') };
  } catch {
    return {};
  } finally {
    closeSync(fd);
  }
}
