import { mkdir, rename, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CannotBegin, Rejected } from '../contract/outcome.ts';
import { codeOf } from '../platform/error-words.ts';
import { removeTree } from '../platform/remove-tree.ts';
import { storageText } from '../platform/shortage.ts';
import type { Given } from './given.ts';
import type { LiveRun } from './live-run.ts';

/** Beside the place of what is given: while it is made, and while it is taken away. */
const MAKING = '.making';
const LEAVING = '.leaving';
/** Archives that were to be packed for another tree. */
const UNPACKED = '.unpacked';

/**
 * What the run is given is below its directory, whole, where the work is to find it there. Of a run that is resumed: what an earlier
 * server made is there, or nothing was begun. Throws CannotBegin, Rejected for what is not there any more; of one that was aborted, its reason.
 */
export async function placeGiven({
  runner,
  given,
  directory,
  signal,
  resumed,
  rebooted,
}: LiveRun): Promise<void> {
  if (runner.given?.by !== 'place' || given.length === 0) return;
  const { root, given: place } = directory;
  try {
    if (resumed && ((await isThere(place + LEAVING)) || (!rebooted && (await isThere(place))))) return;
    signal.throwIfAborted();
    await mkdir(root, { recursive: true, mode: 0o700 });
    for (const left of [place, place + MAKING]) await remove(left);
    await makeAll(given, place + MAKING, signal);
    await rename(place + MAKING, place);
  } catch (error) {
    await remove(place + MAKING).catch(() => {}); // it goes with what the run has, at its end
    if (signal.aborted) throw signal.reason;
    if (error instanceof Rejected) throw error;
    throw new CannotBegin(`what it is given cannot be put in place: ${storageText(error)}`, { cause: error });
  }
}

/** Nothing of it is needed any more. That it was there is known until `forgetGiven`: a later server must not make it anew. */
export async function removeGiven(run: LiveRun): Promise<void> {
  if (run.roots === null) return;
  const { given: place } = run.directory;
  if (run.runner.given?.by === 'runner' && run.given.length > 0) await remove(place + UNPACKED);
  if (!mayHave(run)) return;
  const leaving = join(place + LEAVING, 'given');
  await remove(place + MAKING);
  if (await isThere(place)) {
    await mkdir(place + LEAVING, { recursive: true, mode: 0o700 });
    await remove(leaving);
    await rename(place, leaving);
  }
  await remove(leaving);
}

/** Its result is stored. */
export async function forgetGiven(run: LiveRun): Promise<void> {
  if (mayHave(run)) await rmdir(run.directory.given + LEAVING).catch(() => {}); // it is not there, or goes with the run
}

/** An earlier server may have placed what this one does not know any more. */
function mayHave({ runner, given, resumed, refusal }: LiveRun): boolean {
  return runner.given?.by === 'place' && (given.length > 0 || (resumed && refusal !== null));
}

async function makeAll(given: readonly Given[], place: string, signal: AbortSignal): Promise<void> {
  await mkdir(place, { mode: 0o700 });
  for (const one of given) {
    const at = join(place, one.path);
    await mkdir(dirname(at), { recursive: true, mode: 0o755 });
    await one.putAt(at, signal);
    signal.throwIfAborted();
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function remove(path: string): Promise<void> {
  return removeTree(Buffer.from(path));
}
