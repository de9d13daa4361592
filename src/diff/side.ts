import { createHash } from 'node:crypto';
import type { FileDiff } from '../documents/snapshot.ts';
import type { Listed } from '../snapshots/list.ts';
import { modeOf } from './changes.ts';

/** One side of a difference, as the document tells it. */
export function sideOf(listed: Listed): NonNullable<FileDiff['old']> {
  const mode = modeOf(listed).toString(8).padStart(4, '0');
  if (listed.type === 'file') return { size_bytes: listed.size, sha256: listed.sha256, mode };
  if (listed.type === 'directory') return { size_bytes: 0, sha256: null, mode };
  const text = Buffer.from(listed.target);
  return { size_bytes: text.length, sha256: createHash('sha256').update(text).digest('hex'), mode };
}
