import type { DiffStats } from '../documents/snapshot.ts';
import type { Contents } from './contents.ts';

const MOST = 100;
const known = new WeakMap<Contents, Map<string, DiffStats>>();

/** Digests say what is in two trees, so their stats stay as they are: the next page need not count again. */
export function knownStats(contents: Contents, from: string, to: string): DiffStats | null {
  return known.get(contents)?.get(`${from} ${to}`) ?? null;
}

export function keepStats(contents: Contents, from: string, to: string, stats: DiffStats): void {
  const kept = known.get(contents) ?? new Map<string, DiffStats>();
  known.set(contents, kept.set(`${from} ${to}`, stats));
  for (const oldest of kept.keys()) {
    if (kept.size <= MOST) break;
    kept.delete(oldest);
  }
}
