import { closeSync, mkdirSync, symlinkSync } from 'node:fs';
import type { Contents } from '../contents/contents.ts';
import { Below, nobodys } from '../files/below.ts';
import { setMode } from '../files/walk.ts';
import { copyBytes } from './copy-bytes.ts';
import type { Crew } from './crew.ts';
import type { Amount, BuildJob, BuildModes } from './jobs.ts';
import { listedIn } from './read-list.ts';
import type { StageContext, StageTask } from './stage-task.ts';

/** So many files are read of before they are made: memory stays flat. */
const MOST_MET = 16_384;
const OF_A_FILE = 0o644;
const OF_A_DIRECTORY = 0o755;

/** What is kept, made at a place where nothing is: nobody else knows of it until it is whole. */
export function build(contents: Contents, job: BuildJob, crew: Crew, goOn: () => void): Amount {
  goOn();
  const fd = contents.open(job.digest);
  if (fd === null) throw new Error(`a content is not there: ${job.digest}`);
  try {
    if (job.type === 'directory') return buildTree(fd, job, crew, goOn);
    const made = copyBytes(fd, job.size, job.to, fileMode(OF_A_FILE, job.modes));
    if (made.size !== job.size) throw new Error(`a content is not whole: ${job.digest}`);
    return { files: 1, bytes: made.size };
  } finally {
    closeSync(fd);
  }
}

function buildTree(list: number, { to, modes }: BuildJob, crew: Crew, goOn: () => void): Amount {
  mkdirSync(to, { mode: 0o700 });
  const below = new Below(to, nobodys);
  const context: StageContext = { stage: to };
  const amount = { files: 0, bytes: 0 };
  const directories: { path: string; mode: number }[] = [];
  let tasks: StageTask[] = [];
  const settle = (): void => {
    if (tasks.length > 0) crew.all('stage', context, tasks);
    tasks = [];
  };
  try {
    for (const listed of listedIn(list)) {
      goOn();
      const { path, type } = listed;
      if (type === 'directory') {
        mkdirSync(below.place(path), 0o700);
        directories.push({ path, mode: directoryMode(listed.mode, modes) });
      } else if (type === 'link') symlinkSync(listed.target, below.place(path));
      else {
        const { sha256, size } = listed;
        tasks.push({ staged: path, sha256, size, mode: fileMode(listed.mode, modes) });
        amount.files++;
        amount.bytes += size;
      }
      if (tasks.length >= MOST_MET) settle();
    }
    settle();
    // At last: what may not be written to is filled before.
    for (const { path, mode } of directories.reverse()) set(below.place(path), mode);
  } finally {
    below.close();
  }
  set(to, directoryMode(OF_A_DIRECTORY, modes));
  return amount;
}

const set = (place: string, mode: number): void => void setMode(place, mode, (stats) => stats.isDirectory());

function fileMode(mode: number, modes: BuildModes): number {
  if (modes === 'writable') return mode | 0o600;
  if (modes === 'readOnly') return (mode & 0o555) | 0o400;
  return (mode & 0o111) === 0 ? 0o444 : 0o555;
}

function directoryMode(mode: number, modes: BuildModes): number {
  if (modes === 'writable') return mode | 0o700;
  return modes === 'readOnly' ? (mode & 0o555) | 0o500 : 0o555;
}
