import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../src/platform/error-words.ts';
import { DaemonGone, type DockerDaemon, statusOf } from './daemon.ts';
import type { ContainerStop } from './stop.ts';
import { type ContainerOutput, exitOf, followLog, readLog } from './streams.ts';

const RECONNECT_EVERY_MS = 250;
/** How long a daemon that went away in mid-run may stay away. */
export const RECONNECT_MS = 30_000;
const INSPECT_MS = 5000;
const RECONNECT_WHEN_STOPPING_MS = 3000;

/** How a container's run came to its end. */
export interface Ending {
  /** As the daemon reports; null when that could not be learnt. */
  exitCode: number | null;
  /** The daemon saw a process of it killed for want of memory. */
  oomKilled: boolean;
  /** The daemon's own words about the end, '' when it has none. */
  daemonError: string;
  /** How often the daemon went away and came back meanwhile. */
  daemonRestarts: number;
  /** Why nobody knows how it ended. */
  lost: string | null;
  /** The daemon went away when it was to start it, and did not. */
  neverBegan: boolean;
}

/** This process lets go of the container, for the next server. */
export class LetGo extends Error {}

export interface Attended {
  daemon: DockerDaemon;
  id: string;
  output: ContainerOutput;
  stop: ContainerStop;
  reconnectMs: number;
  memoryLimited: boolean;
  /** The daemon went away when it was to start it: whether it did is not known. */
  unsure: boolean;
  /** The output comes from the daemon's log. */
  followed: boolean;
  /** Aborted when this process lets go. */
  closed: AbortSignal;
}

/**
 * Stay with a started container, over restarts of the daemon, until it has ended and its output is complete.
 * Throws LetGo when this process is to leave it.
 */
export async function attend(attended: Attended): Promise<Ending> {
  const letGo = Promise.withResolvers<never>();
  const leave = (): void => letGo.reject(new LetGo());
  attended.closed.addEventListener('abort', leave, { once: true });
  try {
    return await Promise.race([stay(attended), letGo.promise]);
  } finally {
    attended.closed.removeEventListener('abort', leave);
  }
}

async function stay(attended: Attended): Promise<Ending> {
  const { daemon, id, output, stop } = attended;
  let { followed } = attended;
  let daemonRestarts = 0;
  const lost = (words: string): Ending => ({
    exitCode: null,
    oomKilled: false,
    daemonError: '',
    daemonRestarts,
    lost: words,
    neverBegan: false,
  });
  for (let { unsure } = attended; ; unsure = false) {
    if (attended.closed.aborted) throw new LetGo(); // nobody waits for it any more
    const exitCode = unsure ? null : await Promise.race([exitOf(daemon, id).catch(goneIsNull), stop.gaveUp]);
    if (exitCode === 'stuck') return lost('the container could not be stopped');
    if (exitCode !== null && (await completed(attended, followed))) {
      return {
        exitCode,
        daemonRestarts,
        lost: null,
        neverBegan: false,
        ...(await facts(attended, exitCode)),
      };
    }
    output.disconnect();
    const found = await find(attended);
    if (found.lost !== null) return lost(found.lost);
    if (unsure && found.created) return { ...lost('the Docker engine went away'), neverBegan: true };
    daemonRestarts++;
    stop.repeat();
    followed = true;
    try {
      output.connect(await followLog(daemon, id), { stdout: 0, stderr: 0 });
    } catch (error) {
      if (statusOf(error) === 404) return lost('the Docker engine no longer knows the container');
      if (!(error instanceof DaemonGone)) throw error;
    }
  }
}

/** The container has ended: take the rest of its output. False when the daemon went away meanwhile. */
async function completed({ daemon, id, output }: Attended, followed: boolean): Promise<boolean> {
  // A connection that broke off alone, or brings nothing more, has not brought all: the log has.
  const { brokeOff } = output;
  if (!followed && (((await output.drain()) && !brokeOff) || output.failure !== null)) return true;
  output.disconnect();
  try {
    output.connect(await readLog(daemon, id), { stdout: 0, stderr: 0 });
    return (await output.drain()) || output.failure !== null;
  } catch (error) {
    goneIsNull(error);
    return false;
  }
}

/** Wait for the daemon to come back with the container. `lost`: why it did not, in words. */
async function find({
  daemon,
  id,
  stop,
  reconnectMs,
}: Attended): Promise<{ lost: string | null; created: boolean }> {
  const began = performance.now();
  for (;;) {
    try {
      const { State } = await daemon.ask((docker) => docker.getContainer(id).inspect(), { ms: INSPECT_MS });
      return { lost: null, created: State.Status === 'created' };
    } catch (error) {
      if (statusOf(error) === 404)
        return { lost: 'the Docker engine no longer knows the container', created: false };
      const most = stop.begun ? Math.min(reconnectMs, RECONNECT_WHEN_STOPPING_MS) : reconnectMs;
      if (performance.now() - began > most)
        return {
          lost: `the Docker engine went away while the container ran: ${messageOf(error)}`,
          created: false,
        };
    }
    await sleep(RECONNECT_EVERY_MS);
  }
}

/** What the daemon noted beside the exit code. Only a failure has something to note. */
async function facts(
  { daemon, id, memoryLimited }: Attended,
  exitCode: number,
): Promise<Pick<Ending, 'oomKilled' | 'daemonError'>> {
  if (exitCode === 0 && !memoryLimited) return { oomKilled: false, daemonError: '' };
  for (let n = 0; ; n++)
    try {
      const { State } = await daemon.ask((docker) => docker.getContainer(id).inspect(), { ms: INSPECT_MS });
      // The kernel's notice may reach the daemon after the exit.
      if (State.OOMKilled || !memoryLimited || exitCode !== 137 || n === 3)
        return { oomKilled: State.OOMKilled, daemonError: State.Error };
      await sleep(50);
    } catch {
      return { oomKilled: false, daemonError: '' };
    }
}

function goneIsNull(error: unknown): null {
  if (error instanceof DaemonGone || statusOf(error) === 404) return null;
  throw error;
}
