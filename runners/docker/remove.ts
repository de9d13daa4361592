import { setTimeout as sleep } from 'node:timers/promises';
import type { RunContext } from '../../src/contract/context.ts';
import { noteEnding } from '../../src/contract/ending-note.ts';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import { LetGo } from './attendance.ts';
import { DaemonGone, type DockerDaemon, statusOf } from './daemon.ts';
import { INVOCATION_LABEL, SERVER_LABEL, type ServerIdentity } from './server-identity.ts';

interface RemovalTools {
  daemon: DockerDaemon;
  identity: Pick<ServerIdentity, 'known'>;
  /** Removes later what cannot be now. */
  own: { sweepLater(): void };
}

const TRIES = 4;
const RETRY_MS = 100;
/** A daemon that takes longer is asked again in the background. */
const REMOVE_MS = 10_000;

type Removal = 'removed' | 'gone' | 'failed';

/** Remove a container with its anonymous volumes, running or not. False when the daemon could not be brought to. */
export async function removeContainer(daemon: DockerDaemon, id: string): Promise<boolean> {
  return (await removal(daemon, id)) !== 'failed';
}

/** `gone`: somebody else had removed it, who need not have removed its volumes. */
async function removal(daemon: DockerDaemon, id: string): Promise<Removal> {
  for (let n = 0; n < TRIES; n++) {
    if (n > 0) await sleep(RETRY_MS * 2 ** n);
    try {
      await daemon.ask((docker) => docker.getContainer(id).remove({ force: true, v: true }), {
        ms: REMOVE_MS,
      });
      return 'removed';
    } catch (error) {
      if (statusOf(error) === 404) return 'gone';
      if (error instanceof DaemonGone) return 'failed';
    }
  }
  return 'failed';
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

/** Those of a run whose container others removed. Who cannot be asked now is asked by the next sweep. */
export async function removeVolumesOf(
  { daemon, own, identity }: RemovalTools,
  { invocation }: Pick<RunContext, 'invocation'>,
): Promise<void> {
  const server = identity.known();
  if (server === null) return;
  const label = [`${SERVER_LABEL}=${server}`, `${INVOCATION_LABEL}=${invocation.invocation_id}`];
  await removeVolumes(daemon, label).catch(() => own.sweepLater());
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
  tools: RemovalTools,
  ctx: Pick<RunContext, 'output' | 'invocation'>,
  id: string,
  work: () => Promise<RunnerOutcome>,
): Promise<RunnerOutcome> {
  let outcome: RunnerOutcome;
  try {
    outcome = await work();
    noteEnding(ctx.output, outcome);
  } catch (error) {
    if (error instanceof LetGo) return await new Promise<never>(() => {}); // the next server tells how it ends
    await removeWhole(tools, ctx, id);
    throw error;
  }
  return withContainer(outcome, await removeWhole(tools, ctx, id));
}

async function removeWhole(
  tools: RemovalTools,
  ctx: Pick<RunContext, 'invocation'>,
  id: string,
): Promise<Removal> {
  const how = await removal(tools.daemon, id);
  if (how === 'gone') await removeVolumesOf(tools, ctx);
  else if (how === 'failed') tools.own.sweepLater();
  return how;
}

/** What no signal of the keeper's reached, as processes of another user, was killed with the container. */
function withContainer(outcome: RunnerOutcome, how: Removal): RunnerOutcome {
  const { kill } = outcome;
  if (how !== 'removed' || !kill || kill.survivors === 0) return outcome;
  const signals = kill.signals.at(-1) === 'SIGKILL' ? kill.signals : [...kill.signals, 'SIGKILL'];
  return { ...outcome, kill: { signals, survivors: 0 } };
}
