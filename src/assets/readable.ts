import { RunwireError } from '../documents/errors.ts';
import type { Hands } from '../snapshots/hands.ts';
import type { StoredAsset } from '../store/assets.ts';
import type { ReadAsset } from './assets.ts';
import { described } from './describe.ts';

/** A version, to be read. What a power cut made shorter is not given as if it were whole: to put it again makes it that. */
export function readable(hands: Pick<Hands, 'content' | 'entries' | 'find'>, row: StoredAsset): ReadAsset {
  const { digest, bytes, createdAt } = row;
  const time = new Date(createdAt);
  return {
    asset: described(row),
    open() {
      const fd = hands.content(digest, bytes);
      if (fd !== null) return fd;
      throw new RunwireError('gone', 'The bytes of this asset are not there any more, or not whole.');
    },
    entries: (after) => hands.entries(digest, time, after),
    find: (parts) => hands.find(digest, time, parts),
  };
}
