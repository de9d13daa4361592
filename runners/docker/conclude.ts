import type { RunContext } from '../../src/contract/context.ts';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import type { Timings } from '../../src/documents/outcome.ts';
import { attend, type Ending } from './attendance.ts';
import { type CopiedArtifacts, copyArtifacts } from './copy-artifacts.ts';
import type { DockerDaemon } from './daemon.ts';
import { outcomeOf } from './outcome.ts';
import type { DockerSpec } from './spec.ts';
import type { ContainerStop } from './stop.ts';
import type { ContainerOutput } from './streams.ts';
import { initComplaint } from './tini.ts';
import type { RunTools } from './tools.ts';
import { UsageSampler } from './usage.ts';
import { type Brought, bringBack } from './workspace-copy.ts';

/** A container that was started, here or by an earlier server. */
export interface StartedContainer {
  id: string;
  output: ContainerOutput;
  stop: ContainerStop;
  /** Null: an earlier server started it. `startedAt`: monotonic moment at which the daemon was asked to, ms. */
  here: { startedAt: number; spawnMs: number } | null;
  /** It has a copy of the workspace. */
  copied: boolean;
  /** Whether it was started is not known. */
  unsure: boolean;
  metadata: Record<string, string>;
}

/** Stay with it until it has ended or the run is aborted, and take what it leaves: output, usage, artifacts. */
export async function conclude(
  tools: RunTools,
  ctx: RunContext<DockerSpec>,
  started: StartedContainer,
): Promise<RunnerOutcome> {
  const { daemon } = tools;
  const { id, output, stop, here } = started;
  const { spec, invocation } = ctx;
  const sampler = new UsageSampler(daemon, id);
  const stopStopping = stop.on(ctx.signal);
  output.onFailure = () => stop.begin(0);
  const memoryLimit = spec.memory_bytes ?? invocation.options.limits?.memory_bytes ?? null;
  try {
    const { reconnectMs, closed } = tools;
    const memoryLimited = memoryLimit !== null;
    const { unsure } = started;
    const followed = here === null;
    const about = { daemon, id, output, stop, reconnectMs, memoryLimited, unsure, followed, closed };
    const ending = await attend(about);
    const timings = here === null ? await timingsOf(daemon, id) : timingsHere(here, output);
    const usage = sampler.stop();
    const copied: CopiedArtifacts =
      ending.lost === null ? await copyArtifacts(tools, id, ctx) : { omitted: [] };
    const brought = started.copied ? await takeWorkspace(tools, id, ctx, ending) : null;
    const stderr = ctx.directory.stderr;
    const outcome = outcomeOf({
      ending,
      command: invocation.command,
      memoryLimit,
      captureFailure: output.failure,
      notStarted: initComplaint(spec.init, ending.exitCode, output.seen, stderr),
      signals: stop.signals,
      usage,
      timings,
      metadata: started.metadata,
    });
    const omitted = [...copied.omitted, ...(brought?.omitted ?? [])];
    const outputs = copied.outputs && { outputs: copied.outputs };
    return withFailure(
      { ...outcome, ...(omitted.length > 0 && { omitted }), ...outputs },
      brought?.failure ?? null,
    );
  } finally {
    stopStopping();
    sampler.stop();
  }
}

/** What it made of the workspace. Of one that was never begun nothing; of one that is lost nothing can be had. */
async function takeWorkspace(
  tools: RunTools,
  id: string,
  ctx: RunContext<DockerSpec>,
  { lost, neverBegan }: Ending,
): Promise<Brought> {
  if (lost === null && ctx.workspace !== null) return bringBack(tools, id, ctx);
  // An earlier server copied, for its engine was elsewhere: who may change the workspace now does not know of that.
  if (lost === null) return { omitted: [], failure: 'DOCKER_HOST was another when it was copied' };
  return { omitted: [], failure: neverBegan ? null : lost };
}

/** Who relies on what it made must not take it for done. */
function withFailure(outcome: RunnerOutcome, failure: string | null): RunnerOutcome {
  if (failure === null) return outcome;
  return {
    ...outcome,
    success: false,
    notes: [`the files of the workspace could not be brought back, it is as it was before: ${failure}`],
  };
}

function timingsHere(
  { startedAt, spawnMs }: { startedAt: number; spawnMs: number },
  output: ContainerOutput,
) {
  return {
    spawn_ms: spawnMs,
    ...(output.firstByteAt === null ? {} : { first_byte_ms: output.firstByteAt - startedAt }),
    run_ms: performance.now() - startedAt,
  };
}

/** By the daemon's clock, where nobody here saw it start. */
async function timingsOf(daemon: DockerDaemon, id: string): Promise<Timings> {
  try {
    const { State } = await daemon.ask((docker) => docker.getContainer(id).inspect());
    return { run_ms: Math.max(0, Date.parse(State.FinishedAt) - Date.parse(State.StartedAt)) };
  } catch {
    return {}; // it is not known
  }
}
