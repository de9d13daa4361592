import { statfsSync } from 'node:fs';

const FRESH_MS = 1000;

/** Tells whether a directory's file system has `minimum` bytes free; asks the system at most once a second. */
export function diskSpace(directory: string, minimum: number): { enough(): boolean } {
  let askedAt = Number.NEGATIVE_INFINITY;
  let enough = true;
  return {
    enough() {
      const now = performance.now();
      if (minimum > 0 && now - askedAt >= FRESH_MS) {
        const { bavail, bsize } = statfsSync(directory);
        enough = bavail * bsize >= minimum;
        askedAt = now;
      }
      return enough;
    },
  };
}
