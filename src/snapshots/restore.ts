import {
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Contents } from '../contents/contents.ts';
import { PrivateView } from '../disk/private-view.ts';
import { Below } from '../files/below.ts';
import { remove } from '../files/remove.ts';
import { placeOf, type ScanOf, setMode } from '../files/walk.ts';
import { type Difference, differences } from './differences.ts';
import type { Amount, RestoreJob } from './jobs.ts';

/** In `beside`: what is staged, and nothing else. */
const STAGE = 'restore';

export async function restore(
  contents: Contents,
  job: RestoreJob,
  staged: () => Promise<void>,
  goOn: () => void,
): Promise<Amount> {
  const view = new PrivateView(job.seen);
  const isPrivate: ScanOf['isPrivate'] = (stats, fd) => view.holdsFile(stats, fd);
  const stage = join(job.beside, STAGE);
  mkdirSync(job.beside, { recursive: true, mode: 0o700 });
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { mode: 0o700 });
  const difference = differences(contents, job, isPrivate, goOn);
  stageAll(contents, stage, difference, goOn);
  await staged();
  exchange(job.root, stage, difference, isPrivate);
  rmSync(stage, { recursive: true, force: true });
  return { files: difference.files, bytes: difference.bytes };
}

function stageAll(contents: Contents, stage: string, { additions }: Difference, goOn: () => void): void {
  const below = new Below(stage);
  try {
    for (const { staged, listed } of additions) {
      goOn();
      const place = below.place(staged);
      if (listed.type === 'directory') mkdirSync(place, 0o700);
      else if (listed.type === 'link') symlinkSync(listed.target, place);
      else {
        copyFileSync(contents.path(listed.sha256), place, constants.COPYFILE_EXCL);
        const fd = openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW);
        fchmodSync(fd, listed.mode);
        closeSync(fd);
      }
    }
  } finally {
    below.close();
  }
}

function exchange(
  root: string,
  stage: string,
  { removals, additions, modes }: Difference,
  isPrivate: ScanOf['isPrivate'],
): void {
  const tree = new Below(root, true);
  const from = new Below(stage, true);
  try {
    let deep = 0;
    for (const { directory, name } of removals)
      remove(placeOf(tree.directory(directory), name), isPrivate, () => join(stage, `deep-${deep++}`));
    for (const { staged, listed } of additions)
      if (!staged.includes('/')) renameSync(from.place(staged), tree.place(listed.path));
    for (const { path, mode, type } of modes.reverse())
      setMode(tree.place(path), mode, (stats) => (type === 'file' ? stats.isFile() : stats.isDirectory()));
  } finally {
    tree.close();
    from.close();
  }
}
