import type { RunContext, RunControls } from '../../src/contract/context.ts';
import type { GivenFile } from '../../src/contract/given.ts';
import { Rejected, type RunnerOutcome } from '../../src/contract/outcome.ts';
import { LetGo } from './attendance.ts';
import { conclude } from './conclude.ts';
import { changeContainerRecord, writeContainerRecord } from './container-record.ts';
import { createContainer } from './create.ts';
import { DaemonGone, daemonWords } from './daemon.ts';
import { sendGiven } from './given.ts';
import { findImage, type ImageFacts } from './image.ts';
import { ABORTED_BEFORE, neverStarted, notAProgram } from './outcome.ts';
import { withPorts } from './ports.ts';
import { removedAfter } from './remove.ts';
import { copyIn } from './sent-files.ts';
import type { DockerSpec } from './spec.ts';
import { feedStdin, wantsStdin } from './stdin.ts';
import { ContainerStop } from './stop.ts';
import { attachInput, attachOutput, ContainerOutput } from './streams.ts';
import type { RunTools } from './tools.ts';
import { makeDirectories } from './workspace.ts';
import { copyWorkspaceIn } from './workspace-copy.ts';

type Context = RunContext<DockerSpec>;

/** The way of a run: image, container, output, start, end, artifacts, and nothing left. */
export async function runOnce(tools: RunTools, ctx: Context): Promise<RunnerOutcome> {
  const { daemon } = tools;
  const began = performance.now();
  if (!wantsStdin(ctx)) ctx.outlives();
  try {
    const image = await findImage(daemon, ctx.spec, {
      output: ctx.output,
      signal: ctx.signal,
      secret: tools.secret,
    });
    if (image === null || ctx.signal.aborted) return neverStarted(ABORTED_BEFORE);
    const made = { ...(await createContainer(tools, ctx, image)), image, began };
    const { id } = made;
    return await removedAfter(tools, ctx, id, () => startAndConclude(tools, ctx, made));
  } catch (error) {
    // Whatever goes wrong from the start on is an outcome: this is from before.
    if (error instanceof Rejected || error instanceof LetGo) throw error;
    return neverStarted(daemonWords(error));
  }
}

interface Made {
  id: string;
  user: string;
  /** What the run is given that is to be put in. */
  sent: readonly GivenFile[];
  image: ImageFacts;
  /** Monotonic moment at which the runner was called, ms. */
  began: number;
}

async function startAndConclude(
  tools: RunTools,
  ctx: Context,
  { id, user, sent: given, image, began }: Made,
): Promise<RunnerOutcome> {
  const { daemon } = tools;
  const metadata = { 'docker.container_id': id, 'docker.image_id': image.id };
  const output = new ContainerOutput(ctx.output, { stdout: 0, stderr: 0 }, tools.closed);
  const stop = new ContainerStop(daemon, id, image.stopSignal);
  await makeDirectories(daemon, id, image, ctx);
  if (ctx.workspace === null) await copyIn(daemon, id, ctx);
  else await copyWorkspaceIn(tools, { id, user }, ctx);
  await sendGiven(daemon, id, given, ctx);
  output.connect(await attachOutput(daemon, id), { stdout: 0, stderr: 0 });
  const input = wantsStdin(ctx) ? await attachInput(daemon, id) : null;
  try {
    if (ctx.signal.aborted) return neverStarted(ABORTED_BEFORE, metadata);
    writeContainerRecord(ctx.directory, { container_id: id, stdin: input === null ? 'none' : 'open' });
    input?.once('finish', () => sent(ctx));
    const controls: RunControls = input === null ? {} : feedStdin(input, ctx);
    const startedAt = performance.now();
    let unsure = false;
    // Its first output may come before the daemon says that it has started it: both are answered to from here on.
    const answered = Promise.withResolvers<void>();
    ctx.offer({ ...controls, ...stop.controls(answered.promise) });
    try {
      await daemon.ask((docker) => docker.getContainer(id).start(), { signal: ctx.signal });
    } catch (error) {
      unsure = error instanceof DaemonGone;
      const program = ctx.invocation.command[0] ?? ctx.spec.image;
      if (!unsure) return notAProgram(program, daemonWords(error), metadata);
    } finally {
      answered.resolve();
    }
    const spawnMs = performance.now() - began;
    const here = { startedAt, spawnMs };
    const copied = ctx.workspace !== null;
    const stay = () => conclude(tools, ctx, { id, output, stop, here, copied, unsure, metadata });
    return await withPorts(daemon, id, ctx, stay);
  } finally {
    input?.destroy();
    output.disconnect();
  }
}

/** Nobody need feed it any more. */
function sent({ directory, outlives }: Context): void {
  try {
    changeContainerRecord(directory, { stdin: 'sent' });
    outlives();
  } catch {
    // A full disk: after a crash it counts as cut.
  }
}
