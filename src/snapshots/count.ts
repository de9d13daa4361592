import { PrivateView } from '../disk/private-view.ts';
import { walk } from '../files/walk.ts';
import type { Amount, TreeJob } from './jobs.ts';

/** Regular files in a tree, and their bytes. */
export function count({ root, seen }: TreeJob, goOn: () => void): Amount {
  const view = new PrivateView(seen);
  const amount = { files: 0, bytes: 0 };
  for (const { type, stats } of walk(
    { root, isPrivate: (at, fd) => view.holdsFile(at, fd) },
    { asOwner: true },
  )) {
    goOn();
    if (type !== 'file') continue;
    amount.files++;
    amount.bytes += stats.size;
  }
  return amount;
}
