import { randomUUID } from 'node:crypto';
import { chmod, opendir, rename, rmdir, unlink } from 'node:fs/promises';
import { codeOf } from './error-words.ts';

/** Directories that are worked on at once, of all trees together: each step of one waits for a turn of the event loop. */
const WORKERS = 32;
/** Names that are deleted at once, of all directories together; then each waits for its own. What others ask of the thread pool waits for these. */
const TOGETHER = 64;
/** Longer paths are cut: the system takes 4096 bytes, and the rest of one may be as long as a name. */
const LONG_PATH_BYTES = 2048;
/** What somebody puts in meanwhile is deleted too, so often. */
const MOST_ROUNDS = 100;

/** One tree on its way out. */
interface Removal {
  /** Ends with a slash: where deep parts are moved to. */
  beside: Buffer;
  /** Of its directories, those that nobody works on; the last one is the next. */
  waiting: Place[];
  /** Directories that are not gone yet. */
  left: number;
  /** Of them, those that are worked on. */
  active: number;
  /** Nothing more is begun. */
  error: unknown;
  over: PromiseWithResolvers<void>;
}

/** A directory of it. */
interface Place {
  removal: Removal;
  path: Buffer;
  parent: Place | null;
  /** Directories in it that are not gone yet. */
  below: number;
  rounds: number;
}

/** Those that have a directory waiting, each once. The first one is the next, and then the last: none waits for all of a large one. */
const inTurn = new Set<Removal>();
let workers = 0;
let together = 0;

/**
 * Deletes a directory with all that is in it, or a file; no link is followed. What is not there is deleted. Programs leave
 * directories that nobody may write or read, e.g. caches of packages: their owner may open them. And trees deeper than a path can tell:
 * the deep parts are moved up, beside what is deleted, and go by themselves. fs.rm asks for all names of a directory at once, and the
 * event loop has no turn meanwhile; here it has, however many names there are. Once it rejects it does nothing more.
 */
export function removeTree(path: string | Buffer): Promise<void> {
  const top = Buffer.from(path);
  const beside = top.subarray(0, top.lastIndexOf('/') + 1);
  const removal = {
    beside,
    waiting: [],
    left: 0,
    active: 0,
    error: null,
    over: Promise.withResolvers<void>(),
  };
  add({ removal, path: top, parent: null, below: 0, rounds: 0 });
  return removal.over.promise;
}

function add(place: Place): void {
  place.removal.left++;
  again(place);
}

function again(place: Place): void {
  place.removal.waiting.push(place);
  inTurn.add(place.removal);
  if (workers >= WORKERS) return;
  workers++;
  void work();
}

function next(): Place | undefined {
  for (const removal of inTurn) {
    const place = removal.waiting.pop();
    inTurn.delete(removal);
    if (removal.waiting.length > 0) inTurn.add(removal);
    return place;
  }
  return undefined;
}

async function work(): Promise<void> {
  for (let place = next(); place !== undefined; place = next()) {
    const { removal } = place;
    removal.active++;
    if (removal.error === null) await remove(place).catch((error) => (removal.error ??= error));
    removal.active--;
    if (removal.active > 0) continue;
    if (removal.error !== null) removal.over.reject(removal.error);
    else if (removal.left === 0) removal.over.resolve();
  }
  workers--;
}

/** As far as it goes now: directories in it wait for their turn, and the last of them comes back to it. */
async function remove(place: Place): Promise<void> {
  const { removal, path, rounds } = place;
  if (await isGone(place)) {
    removal.left--;
    const { parent } = place;
    if (parent !== null && --parent.below === 0) again(parent);
    return;
  }
  if (rounds > MOST_ROUNDS) throw new Error('a directory is filled as fast as it is emptied');
  place.rounds++;
  const directories = await unlinkAll(path);
  for (const directory of directories)
    if (directory.length <= LONG_PATH_BYTES) {
      place.below++;
      add({ removal, path: directory, parent: place, below: 0, rounds: 0 });
    } else {
      const moved = Buffer.concat([removal.beside, Buffer.from(`~${randomUUID()}`)]);
      await opened(path, () => rename(directory, moved));
      add({ removal, path: moved, parent: null, below: 0, rounds: 0 });
    }
  if (place.below === 0) again(place);
}

/** Deletes what is in a directory but directories, which it returns. */
async function unlinkAll(path: Buffer): Promise<Buffer[]> {
  const directories: Buffer[] = [];
  const options = { encoding: 'buffer' as BufferEncoding, bufferSize: 256 };
  let batch: Promise<void>[] = [];
  try {
    // Not declared: encoding 'buffer' makes the names Buffers, as it does for readdir.
    const found = (await opened(path, () => opendir(path, options))) as unknown;
    for await (const entry of found as AsyncIterable<{ name: Buffer; isDirectory(): boolean }>) {
      const place = Buffer.concat([path, Buffer.from('/'), entry.name]);
      if (entry.isDirectory()) directories.push(place);
      else {
        const gone = opened(path, () => orMissing(unlink(place)));
        together++;
        const less = () => void together--;
        gone.then(less, less); // a failure is told when all of them are waited for
        batch.push(gone);
      }
      if (together < TOGETHER) continue;
      await Promise.all(batch);
      batch = [];
    }
    await Promise.all(batch);
  } catch (error) {
    await Promise.allSettled(batch);
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  return directories;
}

/** False: something is in it. */
async function isGone({ path, parent }: Place): Promise<boolean> {
  const leave = (): Promise<void> => orMissing(rmdir(path));
  try {
    await (parent === null ? leave() : opened(parent.path, leave));
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    if (code !== 'ENOTDIR') throw error;
    await orMissing(unlink(path));
    return true;
  }
}

async function orMissing(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

/** Once more, where the directory does not let it be done, when its owner may do all in it. */
async function opened<Result>(directory: Buffer, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    await chmod(directory, 0o700).catch(() => {
      throw error;
    });
    return work();
  }
}
