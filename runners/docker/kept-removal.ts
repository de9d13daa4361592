import { setTimeout as sleep } from 'node:timers/promises';
import type { RunContext } from '../../src/contract/context.ts';
import { removeContainer } from './remove.ts';
import type { DockerSpec } from './spec.ts';
import type { RunTools } from './tools.ts';

type Context = RunContext<DockerSpec>;

const RETRY_MS = 250;

/** A server that died while it made it. */
export async function removeMade(
  { own, daemon, reconnectMs }: Pick<RunTools, 'own' | 'daemon' | 'reconnectMs'>,
  ctx: Context,
): Promise<void> {
  const began = performance.now();
  for (;;)
    try {
      for (const { id } of await own.list(ctx.invocation.invocation_id)) await removeContainer(daemon, id);
      return;
    } catch (error) {
      if (performance.now() - began > reconnectMs || ctx.signal.aborted) {
        own.sweepLater();
        throw error;
      }
      await sleep(RETRY_MS);
    }
}
