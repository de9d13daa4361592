import { comparePaths, type Listed } from '../snapshots/list.ts';
import type { Contents } from './contents.ts';
import { Turns } from './turns.ts';

/** One path that differs. */
export interface Change {
  path: string;
  kind: 'created' | 'deleted' | 'modified' | 'mode_changed';
  old: Listed | null;
  new: Listed | null;
}

/** Two lists, read side by side, in their order. Of directories that only one side has, those are told that are empty. */
export async function* changesOf(contents: Contents, from: string, to: string): AsyncGenerator<Change> {
  if (from === to) return;
  const [olds, news] = [withEmptiness(contents.listed(from)), withEmptiness(contents.listed(to))];
  const turns = new Turns();
  try {
    let [old, now] = [await nextOf(olds), await nextOf(news)];
    while (old !== null || now !== null) {
      await turns.next();
      const order = old === null ? 1 : now === null ? -1 : comparePaths(old.listed.path, now.listed.path);
      const change = changeOf(order <= 0 ? old : null, order >= 0 ? now : null);
      if (change !== null) yield change;
      if (order <= 0) old = await nextOf(olds);
      if (order >= 0) now = await nextOf(news);
    }
  } finally {
    await Promise.all([olds.return(undefined), news.return(undefined)]);
  }
}

interface Place {
  listed: Listed;
  /** A directory with nothing in it. */
  empty: boolean;
}

async function* withEmptiness(list: AsyncGenerator<Listed>): AsyncGenerator<Place> {
  const place = (listed: Listed, next: Listed | null): Place => ({
    listed,
    empty: listed.type === 'directory' && !next?.path.startsWith(`${listed.path}/`),
  });
  let last: Listed | null = null;
  for await (const listed of list) {
    if (last !== null) yield place(last, listed);
    last = listed;
  }
  if (last !== null) yield place(last, null);
}

async function nextOf(places: AsyncGenerator<Place>): Promise<Place | null> {
  const { done, value } = await places.next();
  return done ? null : value;
}

function changeOf(old: Place | null, now: Place | null): Change | null {
  const only = old === null ? now : now === null ? old : null;
  if (only?.listed.type === 'directory' && !only.empty) return null;
  const [before, after] = [old?.listed ?? null, now?.listed ?? null];
  const path = (after ?? before)?.path ?? '';
  const kind = kindOf(before, after);
  return kind && { path, kind, old: before, new: after };
}

function kindOf(old: Listed | null, now: Listed | null): Change['kind'] | null {
  if (old === null) return 'created';
  if (now === null) return 'deleted';
  if (!hasSameContent(old, now)) return 'modified';
  return modeOf(old) === modeOf(now) ? null : 'mode_changed';
}

/** Of the same type, and with the same bytes. */
export function hasSameContent(old: Listed, now: Listed): boolean {
  if (old.type === 'file') return now.type === 'file' && old.sha256 === now.sha256;
  if (old.type === 'link') return now.type === 'link' && old.target === now.target;
  return now.type === 'directory';
}

/** The system gives every link the same one. */
export const modeOf = (listed: Listed): number => (listed.type === 'link' ? 0o777 : listed.mode);
