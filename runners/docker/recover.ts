import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { RunContext, RunControls } from '../../src/contract/context.ts';
import { earlierEnding } from '../../src/contract/ending-note.ts';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import { RunwireError } from '../../src/documents/errors.ts';
import { conclude } from './conclude.ts';
import { forgetContainerRecord, readContainerRecord, writeContainerRecord } from './container-record.ts';
import { type DockerDaemon, statusOf } from './daemon.ts';
import type { OwnContainer } from './own-containers.ts';
import { withPorts } from './ports.ts';
import { removedAfter, removeUnstarted, removeVolumesOf } from './remove.ts';
import { runOnce } from './run.ts';
import type { DockerSpec } from './spec.ts';
import { wantsStdin } from './stdin.ts';
import { ContainerStop } from './stop.ts';
import { ContainerOutput, followLog } from './streams.ts';
import type { RunTools } from './tools.ts';

type Context = RunContext<DockerSpec>;

const RETRY_MS = 250;

/** Resume with the container that an earlier server started; begin, once, where it had not come to start one. */
export async function recoverRun(tools: RunTools, ctx: Context): Promise<RunnerOutcome> {
  // One that was started is fed by nobody any more, whatever the earlier server had come to send.
  if (readContainerRecord(ctx.directory) !== null || !wantsStdin(ctx)) ctx.outlives();
  const ending = await earlierEnding(ctx);
  if (ending !== null) {
    const id = ending.metadata?.['docker.container_id'];
    return id === undefined ? ending : removedAfter(tools, ctx, id, async () => ending);
  }
  const container = await findStarted(tools, ctx);
  if (container !== null) return removedAfter(tools, ctx, container.Id, () => resume(tools, ctx, container));
  if (readContainerRecord(ctx.directory) !== null) {
    await removeVolumesOf(tools, ctx);
    throw new Error(
      `the server that ran it is gone, and so is its container${ctx.workspace === null ? '' : ', with what it made of the workspace'}`,
    );
  }
  ctx.goesOn();
  return runOnce(tools, ctx);
}

/** The container of the run, if there is one that was started. Others are removed. */
async function findStarted(tools: RunTools, ctx: Context): Promise<Docker.ContainerInspectInfo | null> {
  const { daemon } = tools;
  for (const { id } of await listWhenBack(tools, ctx)) {
    const found = await inspect(daemon, id);
    if (found !== null && found.State.Status !== 'created') return found;
    if (readContainerRecord(ctx.directory)?.container_id === id) forgetContainerRecord(ctx.directory);
    // The daemon may have been at starting it when the server died.
    if (!(await removeUnstarted(daemon, id))) return inspect(daemon, id);
  }
  return null;
}

/** Machine and daemon may start at the same time as the server. */
async function listWhenBack({ own, reconnectMs }: RunTools, ctx: Context): Promise<OwnContainer[]> {
  const began = performance.now();
  for (;;)
    try {
      return await own.list(ctx.invocation.invocation_id);
    } catch (error) {
      if (performance.now() - began > reconnectMs || ctx.signal.aborted) {
        own.sweepLater();
        throw error;
      }
      await sleep(RETRY_MS);
    }
}

async function resume(
  tools: RunTools,
  ctx: Context,
  { Id: id, Image: image, State, Config, Mounts }: Docker.ContainerInspectInfo,
): Promise<RunnerOutcome> {
  const { daemon } = tools;
  const seen = {
    stdout: ctx.output.captured('stdout').bytes,
    stderr: ctx.output.captured('stderr').bytes,
  };
  const output = new ContainerOutput(ctx.output, seen, tools.closed);
  try {
    output.connect(await followLog(daemon, id), { stdout: 0, stderr: 0 });
    const stop = new ContainerStop(daemon, id, stopSignalOf(Config));
    ctx.offer({ ...(wantsStdin(ctx) ? CLOSED : {}), ...stop.controls(Promise.resolve()) });
    if (State.Running) ctx.goesOn();
    const metadata = { 'docker.container_id': id, 'docker.image_id': image, ...stdinFacts(ctx) };
    const copied = hasCopy(Mounts, ctx);
    const stay = () =>
      conclude(tools, ctx, { id, output, stop, here: null, copied, unsure: false, metadata });
    return await withPorts(daemon, id, ctx, stay);
  } finally {
    output.disconnect();
  }
}

/** By the container: how the engine is reached may have changed since it was made. */
function hasCopy(mounts: Docker.ContainerInspectInfo['Mounts'], { spec, invocation }: Context): boolean {
  const isOurs = invocation.options.workspace !== undefined;
  return isOurs && mounts.some(({ Type, Destination }) => Type === 'volume' && Destination === spec.workdir);
}

function stopSignalOf(config: object): string | null {
  return 'StopSignal' in config && typeof config.StopSignal === 'string' ? config.StopSignal : null;
}

const gone = async (): Promise<never> => {
  throw new RunwireError('stdin_closed', 'it was closed when the server that fed it went away');
};
const CLOSED: RunControls = { writeStdin: gone, closeStdin: async () => {} };

/** The daemon closes standard input with the connection that feeds it. Whether all was sent is told. */
function stdinFacts({ directory, output }: Context): Record<string, string> {
  const record = readContainerRecord(directory);
  if (record?.stdin === 'open') {
    writeContainerRecord(directory, { ...record, stdin: 'cut' });
    output.progress({ message: 'standard input was closed: the server that fed it went away' });
  }
  return record?.stdin === 'open' || record?.stdin === 'cut' ? { 'docker.stdin': 'cut' } : {};
}

async function inspect(daemon: DockerDaemon, id: string): Promise<Docker.ContainerInspectInfo | null> {
  try {
    return await daemon.ask((docker) => docker.getContainer(id).inspect());
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
}
