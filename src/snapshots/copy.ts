import { mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { PrivateView } from '../disk/private-view.ts';
import { Below, nobodys } from '../files/below.ts';
import { isAbsence, type ScanOf, setMode, walk } from '../files/walk.ts';
import { type CopyContext, CopyWorker } from './copy-task.ts';
import type { Crew } from './crew.ts';
import type { Amount, CopyJob } from './jobs.ts';

/** So many files are met before they are copied. */
const MOST_MET = 16_384;

/** Files, directories and links of a tree, with permissions, files with their times. What is none of these stays behind. */
export function copy({ root, seen, to }: CopyJob, crew: Crew, goOn: () => void): Amount {
  const view = new PrivateView(seen);
  const isPrivate: ScanOf['isPrivate'] = (stats, fd) => view.holdsFile(stats, fd);
  mkdirSync(to, { recursive: true, mode: 0o755 });
  if (readdirSync(to).length > 0) throw new Error('the directory to copy to is not empty');
  const below = new Below(to, nobodys);
  const context: CopyContext = { root, seen, to };
  const amount = { files: 0, bytes: 0 };
  const modes: { path: string; mode: number }[] = [];
  let paths: string[] = [];
  let own: CopyWorker | null = null;
  const copied = (bytes: number | null): void => {
    if (bytes === null) return;
    amount.files++;
    amount.bytes += bytes;
  };
  const settle = (): void => {
    if (paths.length > 0) crew.all<string, number | null>('copy', context, paths).forEach(copied);
    paths = [];
  };
  try {
    for (const step of walk({ root, isPrivate }, { asOwner: true })) {
      goOn();
      const { path, isUtf8, type, stats, place, shut, asOwner } = step;
      if (!isUtf8 || shut !== null) step.into = false;
      else if (type === 'directory') {
        mkdirSync(below.place(path), 0o700);
        modes.push({ path, mode: stats.mode & 0o777 });
      } else if (type === 'link') link(place, below.place(path));
      else if (type === 'file' && asOwner) {
        own ??= new CopyWorker(context, goOn);
        copied(own.at(place, path));
      } else if (type === 'file') paths.push(path);
      if (paths.length >= MOST_MET) settle();
    }
    settle();
    for (const { path, mode } of modes.reverse())
      setMode(below.place(path), mode, (stats) => stats.isDirectory());
  } finally {
    own?.close();
    below.close();
  }
  return amount;
}

function link(from: string | Buffer, to: string): void {
  let target: Buffer;
  try {
    target = readlinkSync(from, { encoding: 'buffer' });
  } catch (error) {
    if (isAbsence(error) || (error as NodeJS.ErrnoException).code === 'EINVAL') return; // something else by now
    throw error;
  }
  symlinkSync(target, to);
}
