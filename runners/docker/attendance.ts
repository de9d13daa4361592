import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../src/platform/error-words.ts';
import { type DockerEngine, EngineGone, statusOf } from './daemon.ts';
import type { ContainerStop } from './stop.ts';
import { type ContainerOutput, exitOf, followLog, readLog } from './streams.ts';

const RECONNECT_EVERY_MS = 250;
/** How long an engine that went away in mid-run may stay away. */
export const RECONNECT_MS = 30_000;
const INSPECT_MS = 5000;
const RECONNECT_WHEN_STOPPING_MS = 3000;

/** How a container's run came to its end. */
export interface Ending {
  /** As the engine reports; null when that could not be learnt. */
  exitCode: number | null;
  /** The engine saw a process of it killed for want of memory. */
  oomKilled: boolean;
  /** The engine's own words about the end, '' when it has none. */
  engineError: string;
  /** How often the engine went away and came back meanwhile. */
  engineRestarts: number;
  /** Why nobody knows how it ended. */
  lost: string | null;
  /** The engine went away when it was to start it, and did not. */
  neverBegan: boolean;
}

/** This process lets go of the container, for the next server. */
export class LetGo extends Error {}

export interface Attended {
  engine: DockerEngine;
  id: string;
  output: ContainerOutput;
  stop: ContainerStop;
  reconnectMs: number;
  memoryLimited: boolean;
  /** The engine went away when it was to start it: whether it did is not known. */
  unsure: boolean;
  /** The output comes from the engine's log. */
  followed: boolean;
  /** Aborted when this process lets go. */
  closed: AbortSignal;
}

/**
 * Stay with a started container, over restarts of the engine, until it has ended and its output is complete.
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
  const { engine, id, output, stop } = attended;
  let { followed } = attended;
  let engineRestarts = 0;
  const lost = (words: string): Ending => ({
    exitCode: null,
    oomKilled: false,
    engineError: '',
    engineRestarts,
    lost: words,
    neverBegan: false,
  });
  for (let { unsure } = attended; ; unsure = false) {
    if (attended.closed.aborted) throw new LetGo(); // nobody waits for it any more
    const exitCode = unsure ? null : await Promise.race([exitOf(engine, id).catch(goneIsNull), stop.gaveUp]);
    if (exitCode === 'stuck') return lost('the container could not be stopped');
    if (exitCode !== null && (await completed(attended, followed))) {
      return {
        exitCode,
        engineRestarts,
        lost: null,
        neverBegan: false,
        ...(await facts(attended, exitCode)),
      };
    }
    output.disconnect();
    const found = await find(attended);
    if (found.lost !== null) return lost(found.lost);
    if (unsure && found.created) return { ...lost('the Docker engine went away'), neverBegan: true };
    engineRestarts++;
    stop.repeat();
    followed = true;
    try {
      output.connect(await followLog(engine, id), { stdout: 0, stderr: 0 });
    } catch (error) {
      if (statusOf(error) === 404) return lost('the Docker engine no longer knows the container');
      if (!(error instanceof EngineGone)) throw error;
    }
  }
}

/** The container has ended: take the rest of its output. False when the engine went away meanwhile. */
async function completed({ engine, id, output }: Attended, followed: boolean): Promise<boolean> {
  if (!followed) {
    await output.drain();
    return true;
  }
  output.disconnect();
  try {
    output.connect(await readLog(engine, id), { stdout: 0, stderr: 0 });
    return (await output.drain()) || output.failure !== null;
  } catch (error) {
    goneIsNull(error);
    return false;
  }
}

/** Wait for the engine to come back with the container. `lost`: why it did not, in words. */
async function find({
  engine,
  id,
  stop,
  reconnectMs,
}: Attended): Promise<{ lost: string | null; created: boolean }> {
  const began = performance.now();
  for (;;) {
    try {
      const { State } = await engine.ask((docker) => docker.getContainer(id).inspect(), { ms: INSPECT_MS });
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

/** What the engine noted beside the exit code. Only a failure has something to note. */
async function facts(
  { engine, id, memoryLimited }: Attended,
  exitCode: number,
): Promise<Pick<Ending, 'oomKilled' | 'engineError'>> {
  if (exitCode === 0 && !memoryLimited) return { oomKilled: false, engineError: '' };
  for (let n = 0; ; n++)
    try {
      const { State } = await engine.ask((docker) => docker.getContainer(id).inspect(), { ms: INSPECT_MS });
      // The kernel's notice may reach the engine after the exit.
      if (State.OOMKilled || !memoryLimited || exitCode !== 137 || n === 3)
        return { oomKilled: State.OOMKilled, engineError: State.Error };
      await sleep(50);
    } catch {
      return { oomKilled: false, engineError: '' };
    }
}

function goneIsNull(error: unknown): null {
  if (error instanceof EngineGone || statusOf(error) === 404) return null;
  throw error;
}
