import { setTimeout as sleep } from 'node:timers/promises';
import type { RunContext } from '../../src/contract/context.ts';
import { noteEnding } from '../../src/contract/ending-note.ts';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import { LetGo } from './attendance.ts';
import { DaemonGone, type DockerDaemon, statusOf } from './daemon.ts';

const TRIES = 4;
const RETRY_MS = 100;
/** A daemon that takes longer is asked again in the background. */
const REMOVE_MS = 10_000;

/** Remove a container with its anonymous volumes, running or not. False when the daemon could not be brought to. */
export async function removeContainer(daemon: DockerDaemon, id: string): Promise<boolean> {
  for (let n = 0; n < TRIES; n++) {
    if (n > 0) await sleep(RETRY_MS * 2 ** n);
    try {
      await daemon.ask((docker) => docker.getContainer(id).remove({ force: true, v: true }), {
        ms: REMOVE_MS,
      });
      return true;
    } catch (error) {
      if (statusOf(error) === 404) return true;
      if (error instanceof DaemonGone) return false;
    }
  }
  return false;
}

/** Volumes with these labels that no container has any more: one that was removed from outside may have left them. Rejects as `ask` does. */
export async function removeVolumes(
  daemon: DockerDaemon,
  label: readonly string[],
  which: (labels: Readonly<Record<string, string>>) => boolean = () => true,
): Promise<void> {
  if (label.length === 0) return;
  const filters = JSON.stringify({ label });
  const { Volumes } = await daemon.ask((docker) => docker.listVolumes({ filters }));
  for (const { Name, Labels } of Volumes ?? [])
    if (which(Labels ?? {}))
      await daemon
        .ask((docker) => docker.getVolume(Name).remove())
        .catch((error) => {
          if (statusOf(error) !== 404) throw error;
        });
}

/** Remove a container that was never started. False when it was, after all. */
export async function removeUnstarted(daemon: DockerDaemon, id: string): Promise<boolean> {
  try {
    await daemon.ask((docker) => docker.getContainer(id).remove({ v: true }), { ms: REMOVE_MS });
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return true;
    if (statusOf(error) === 409) return false;
    throw error;
  }
}

/** The container goes when the work with it is over, however that ended; unless this process lets go of it. */
export async function removedAfter(
  { daemon, own }: { daemon: DockerDaemon; own: { sweepLater(): void } },
  ctx: Pick<RunContext, 'output'>,
  id: string,
  work: () => Promise<RunnerOutcome>,
): Promise<RunnerOutcome> {
  let kept = false;
  try {
    const outcome = await work();
    noteEnding(ctx.output, outcome);
    return outcome;
  } catch (error) {
    kept = error instanceof LetGo;
    if (kept) return await new Promise<never>(() => {}); // the next server tells how it ends
    throw error;
  } finally {
    if (!kept && !(await removeContainer(daemon, id))) own.sweepLater();
  }
}
