import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, realpathSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Contents } from '../contents/contents.ts';
import { mountsIn } from '../disk/mount-aliases.ts';
import { PrivateView } from '../disk/private-view.ts';
import { RunwireError } from '../documents/errors.ts';
import { Below, nobodys } from '../files/below.ts';
import { remove } from '../files/remove.ts';
import { placeOf, type ScanOf, setMode } from '../files/walk.ts';
import { InTheWay, inTheWay } from '../files/way.ts';
import { type BytePath, bytePath, toText } from '../platform/byte-path.ts';
import { FileClock } from './clock.ts';
import type { Crew } from './crew.ts';
import { type Addition, type Difference, differences } from './differences.ts';
import { FileIndex, type FileState, IndexWriter } from './index-file.ts';
import type { Amount, RestoreJob } from './jobs.ts';
import type { StageContext, StageTask } from './stage-task.ts';

/** In `beside`: what is staged and what lies too deep to be removed at once, and nothing else. */
const PLACE = 'restore';

/** See Hands.restore. Until `staged` the tree is untouched. */
export async function restore(
  contents: Contents,
  job: RestoreJob,
  crew: Crew,
  staged: () => Promise<void>,
  goOn: () => void,
): Promise<Amount> {
  refuseMounts(job.root);
  const view = new PrivateView(job.seen);
  const isPrivate: ScanOf['isPrivate'] = (stats, fd) => view.holdsFile(stats, fd);
  const stage = join(job.beside, PLACE, 'staged');
  const deep = join(job.beside, PLACE, 'deep');
  const moveTo = (): string => join(deep, randomUUID());
  const clear = (): void => {
    for (const name of readdirSync(deep)) remove(join(deep, name), isPrivate, moveTo);
    remove(stage, isPrivate, moveTo);
  };
  mkdirSync(deep, { recursive: true, mode: 0o700 });
  clear(); // what an earlier one left
  mkdirSync(stage, { mode: 0o700 });
  const clock = job.index === null ? null : new FileClock(job.index);
  try {
    const index = FileIndex.read(job.index, job.root);
    const difference = differences({ contents, job, isPrivate, index, clock, goOn });
    const states = stageAll(stage, difference, crew, goOn);
    await staged();
    exchange(job.root, stage, difference, isPrivate, (place) => remove(place, isPrivate, moveTo));
    if (clock && job.index !== null)
      writeIndex(job.index, job.root, contents.stamp(), clock, difference, states);
    clear();
    return { files: difference.files, bytes: difference.bytes };
  } catch (error) {
    // Room is given back where that can be; else the next one does it, and what went wrong first is what is told.
    attempt(clear);
    throw error;
  } finally {
    clock?.close();
  }
}

/** What is mounted in a tree is not of it, and is neither emptied nor filled. */
function refuseMounts(root: string): void {
  const real = bytePath(realpathSync.native(root, 'buffer'));
  const [point] = mountsIn(real);
  if (point === undefined) return;
  const path = toText(point.slice(real.length + 1) as BytePath);
  throw new RunwireError(
    'file_conflict',
    `${JSON.stringify(path.slice(0, 200))} is used by the system: something is mounted there`,
  );
}

function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // as said where it is called
  }
}

/** What each file is, by its place among the additions. */
function stageAll(
  stage: string,
  { additions }: Difference,
  crew: Crew,
  goOn: () => void,
): Map<Addition, FileState> {
  const below = new Below(stage, nobodys);
  const files: Addition[] = [];
  const tasks: StageTask[] = [];
  try {
    for (const addition of additions) {
      goOn();
      const { staged, listed } = addition;
      if (listed.type === 'directory') mkdirSync(below.place(staged), 0o700);
      else if (listed.type === 'link') symlinkSync(listed.target, below.place(staged));
      else {
        files.push(addition);
        tasks.push({ staged, sha256: listed.sha256, size: listed.size, mode: listed.mode });
      }
    }
  } finally {
    below.close();
  }
  const context: StageContext = { stage };
  const states = crew.all<StageTask, FileState>('stage', context, tasks);
  return new Map(files.map((addition, at) => [addition, states[at] as FileState]));
}

function exchange(
  root: string,
  stage: string,
  { removals, additions, modes }: Difference,
  isPrivate: ScanOf['isPrivate'],
  removeAt: (place: string | Buffer) => void,
): void {
  const tree = new Below(root, isPrivate, true);
  const from = new Below(stage, nobodys, true);
  try {
    for (const { directory, name } of removals)
      changing(directory === '' ? `${name}` : `${directory}/${name}`, () =>
        removeAt(placeOf(tree.directory(directory), name)),
      );
    for (const { staged, listed } of additions)
      if (!staged.includes('/'))
        changing(listed.path, () => renameSync(from.place(staged), tree.place(listed.path)));
    for (const { path, mode, type } of modes.toReversed())
      changing(path, () =>
        setMode(tree.place(path), mode, (stats) => (type === 'file' ? stats.isFile() : stats.isDirectory())),
      );
  } finally {
    tree.close();
    from.close();
  }
}

/** What cannot be changed is told, by its path. */
function changing(path: string, work: () => unknown): void {
  try {
    work();
  } catch (cause) {
    const told = inTheWay(cause, path);
    if (!(told instanceof InTheWay)) throw told;
    throw new RunwireError(
      'file_conflict',
      `${told.message}: the restore is not done yet, and is tried again`,
      {
        cause,
      },
    );
  }
}

/** What the tree has now, as far as every later change can be told from it. */
function writeIndex(
  path: string,
  root: string,
  stamp: string,
  clock: FileClock,
  { known, additions }: Difference,
  states: Map<Addition, FileState>,
): void {
  const writer = new IndexWriter();
  for (const { path: at, state, sha256 } of known) writer.add(at, state, sha256);
  for (const addition of additions) {
    const { staged, listed } = addition;
    const state = states.get(addition);
    if (listed.type !== 'file' || state === undefined) continue;
    // One that was renamed itself has a new time, and who knows what came before that.
    if (staged.includes('/') && clock.passes({ dev: clock.dev, ctimeMs: state.ctimeMs }))
      writer.add(listed.path, state, listed.sha256);
  }
  writer.write(path, root, stamp);
}
