import type { Readable } from 'node:stream';
import type { DockerDaemon } from './daemon.ts';
import type { ProgramEnd } from './program-end.ts';

const KILLED = 9;
const TRIES = 4;
const RETRY_MS = 50;
/** The engine counts seconds and their parts by its own clock, as the journal does: one at either end is no run of another. */
const SLACK_MS = 1000;

/**
 * Did the kernel take something of a kept container for want of memory in the time of a program that was killed. What the engine
 * notes of a container is not of that time, but its events are.
 */
export async function ranOutOfMemory(
  daemon: DockerDaemon,
  id: string,
  { end, limit, startedAt }: { end: ProgramEnd; limit: number | null; startedAt: number | null },
): Promise<boolean> {
  if (limit === null || startedAt === null || end.how !== 'exited') return false;
  const { signal, exitCode, runUs, drainUs } = end.exited;
  if (end.killed?.killSent && end.exited.timedOut) return false;
  if (signal !== KILLED && exitCode !== 128 + KILLED) return false;
  const until = startedAt + (runUs + drainUs) / 1000 + SLACK_MS;
  for (let n = 0; n < TRIES; n++) {
    if (await hasEvent(daemon, id, startedAt, until)) return true;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  return false;
}

async function hasEvent(daemon: DockerDaemon, id: string, from: number, to: number): Promise<boolean> {
  try {
    const events = (await daemon.ask((docker) =>
      docker.getEvents({
        since: Number((from / 1000).toFixed(3)),
        until: Number((Math.min(to, Date.now()) / 1000).toFixed(3)),
        filters: { container: [id], event: ['oom'] },
      }),
    )) as Readable;
    let found = false;
    for await (const chunk of events) found ||= String(chunk).includes('"oom"');
    return found;
  } catch {
    return false; // it is away: what it would say is not known
  }
}
