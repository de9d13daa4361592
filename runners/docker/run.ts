import type { RunContext, RunControls } from '../../src/contract/context.ts';
import { noteEnding } from '../../src/contract/ending-note.ts';
import { Rejected, type RunnerOutcome } from '../../src/contract/outcome.ts';
import type { PrivatePlaces } from '../../src/disk/private-places.ts';
import type { ArtifactCaps, Omitted } from '../../src/documents/artifact.ts';
import type { Timings } from '../../src/documents/outcome.ts';
import { attend, LetGo } from './attendance.ts';
import { containerOptions } from './container.ts';
import { writeContainerRecord } from './container-record.ts';
import { type DockerEngine, EngineGone, engineWords, statusOf } from './daemon.ts';
import { findImage, type ImageFacts } from './image.ts';
import { bindsOf } from './mounts.ts';
import { neverStarted, outcomeOf } from './outcome.ts';
import { type OwnContainers, removeContainer } from './remove.ts';
import type { ServerIdentity } from './server-identity.ts';
import type { DockerSpec } from './spec.ts';
import { feedStdin, wantsStdin } from './stdin.ts';
import { ContainerStop } from './stop.ts';
import { attachInput, attachOutput, ContainerOutput } from './streams.ts';
import { initComplaint } from './tini.ts';
import { UsageSampler } from './usage.ts';
import { openToUser, userOf } from './user.ts';
import { copyArtifacts, insideOf, makeDirectories } from './workspace.ts';

type Context = RunContext<DockerSpec>;

/** What all runs of one server share. */
export interface RunTools {
  engine: DockerEngine;
  identity: ServerIdentity;
  own: OwnContainers;
  places: PrivatePlaces;
  mountRoots: readonly string[];
  artifactCaps: ArtifactCaps;
  secret: (name: string, host: string) => string | undefined;
  reconnectMs: number;
  /** Aborted when this process lets go of its runs. */
  closed: AbortSignal;
}

const ABORTED_BEFORE = 'aborted before the container was started';

/** The way of a run: image, container, output, start, end, artifacts, and nothing left. */
export async function runOnce(tools: RunTools, ctx: Context): Promise<RunnerOutcome> {
  const { engine } = tools;
  const began = performance.now();
  try {
    const image = await findImage(engine, ctx.spec, {
      output: ctx.output,
      signal: ctx.signal,
      secret: tools.secret,
    });
    if (image === null || ctx.signal.aborted) return neverStarted(ABORTED_BEFORE);
    const id = await create(tools, ctx, image);
    return await removedAfter(tools, ctx, id, () => startAndAttend(tools, ctx, { id, image, began }));
  } catch (error) {
    // Whatever goes wrong from the start on is an outcome: this is from before.
    if (error instanceof Rejected || error instanceof LetGo) throw error;
    return neverStarted(engineWords(error));
  }
}

async function create(tools: RunTools, ctx: Context, image: ImageFacts): Promise<string> {
  const { engine, identity, own, mountRoots } = tools;
  const { spec, invocation } = ctx;
  const scratch = ctx.workingDirectory === ctx.directory.work;
  const workspace = spec.mount_workspace ? { path: ctx.workingDirectory, scratch } : null;
  const inside = insideOf(ctx);
  const places = tools.places.look(ctx.directory);
  const rules = { roots: mountRoots, places, engineSocket: engine.realSocket };
  const binds = bindsOf(spec, workspace, inside.extra, rules);
  const user = userOf({
    asked: spec.user,
    image: image.user,
    workspace,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
  });
  if (workspace) openToUser(ctx, scratch, user);
  const traceparent = ctx.environment.TRACEPARENT;
  const options = containerOptions({
    spec,
    command: invocation.command,
    environment: {
      ...invocation.environment,
      RUNWIRE_INVOCATION_ID: invocation.invocation_id,
      ...(inside.artifactDirectory === null ? {} : { RUNWIRE_ARTIFACT_DIR: inside.artifactDirectory }),
      ...(traceparent === undefined ? {} : { TRACEPARENT: traceparent }),
    },
    limits: invocation.options.limits,
    binds,
    user,
    stdin: wantsStdin(ctx),
    maxOutputBytes: ctx.maxOutputBytes,
    invocationId: invocation.invocation_id,
    server: identity.id(),
  });
  try {
    return (await engine.ask((docker) => docker.createContainer(options), { signal: ctx.signal })).id;
  } catch (error) {
    if (error instanceof EngineGone) own.sweepLater(); // it may have been made
    const status = statusOf(error);
    if (status === 400 || status === 404 || status === 409)
      throw new Rejected(`the container cannot be made: ${engineWords(error)}`);
    throw error;
  }
}

interface Made {
  id: string;
  image: ImageFacts;
  /** Monotonic moment at which the runner was called, ms. */
  began: number;
}

async function startAndAttend(
  tools: RunTools,
  ctx: Context,
  { id, image, began }: Made,
): Promise<RunnerOutcome> {
  const { engine } = tools;
  const metadata = { 'docker.container_id': id, 'docker.image_id': image.id };
  const output = new ContainerOutput(ctx.output, { stdout: 0, stderr: 0 }, tools.closed);
  const stop = new ContainerStop(engine, id, image.stopSignal);
  await makeDirectories(engine, id, image, ctx);
  output.connect(await attachOutput(engine, id), { stdout: 0, stderr: 0 });
  const input = wantsStdin(ctx) ? await attachInput(engine, id) : null;
  try {
    if (ctx.signal.aborted) return neverStarted(ABORTED_BEFORE, metadata);
    writeContainerRecord(ctx.directory, { container_id: id, stdin: input === null ? 'none' : 'open' });
    input?.once('finish', () => rememberSent(ctx, id));
    const controls: RunControls = input === null ? {} : feedStdin(input, ctx);
    const startedAt = performance.now();
    let unsure = false;
    // Its first output may come before the engine says that it has started it: both are answered to from here on.
    const answered = Promise.withResolvers<void>();
    offer(ctx, stop, controls, answered.promise);
    try {
      await engine.ask((docker) => docker.getContainer(id).start(), { signal: ctx.signal });
    } catch (error) {
      unsure = error instanceof EngineGone;
      const program = ctx.invocation.command[0] ?? ctx.spec.image;
      if (!unsure)
        return neverStarted(`could not start ${JSON.stringify(program)}: ${engineWords(error)}`, metadata);
    } finally {
      answered.resolve();
    }
    const spawnMs = performance.now() - began;
    return await attended(tools, ctx, { id, output, stop, here: { startedAt, spawnMs }, unsure, metadata });
  } finally {
    input?.destroy();
    output.disconnect();
  }
}

function rememberSent({ directory }: Context, id: string): void {
  try {
    writeContainerRecord(directory, { container_id: id, stdin: 'sent' });
  } catch {
    // A full disk: after a crash it counts as cut.
  }
}

export function offer(ctx: Context, stop: ContainerStop, stdin: RunControls, started: Promise<void>): void {
  ctx.offer({
    ...stdin,
    signal: (name) => started.then(() => stop.send(name)),
    hasten: (graceMs) => stop.hasten(graceMs),
  });
}

export interface Started {
  id: string;
  output: ContainerOutput;
  stop: ContainerStop;
  /** Null: an earlier server started it. `startedAt`: monotonic moment at which the engine was asked to, ms. */
  here: { startedAt: number; spawnMs: number } | null;
  /** Whether it was started is not known. */
  unsure: boolean;
  metadata: Record<string, string>;
}

export async function attended(tools: RunTools, ctx: Context, started: Started): Promise<RunnerOutcome> {
  const { engine } = tools;
  const { id, output, stop, here } = started;
  const { spec, invocation } = ctx;
  const sampler = new UsageSampler(engine, id);
  const stopStopping = stop.on(ctx.signal);
  output.onFailure = () => stop.begin(0);
  const memoryLimit = spec.memory_bytes ?? invocation.options.limits?.memory_bytes ?? null;
  try {
    const { reconnectMs, closed } = tools;
    const memoryLimited = memoryLimit !== null;
    const { unsure } = started;
    const followed = here === null;
    const about = { engine, id, output, stop, reconnectMs, memoryLimited, unsure, followed, closed };
    const ending = await attend(about);
    const timings = here === null ? await timingsOf(engine, id) : timingsHere(here, output);
    const usage = sampler.stop();
    const omitted: Omitted[] = ending.lost === null ? await copyArtifacts(tools, id, ctx) : [];
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
    return omitted.length === 0 ? outcome : { ...outcome, omitted };
  } finally {
    stopStopping();
    sampler.stop();
  }
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

/** By the engine's clock, where nobody here saw it start. */
async function timingsOf(engine: DockerEngine, id: string): Promise<Timings> {
  try {
    const { State } = await engine.ask((docker) => docker.getContainer(id).inspect());
    return { run_ms: Math.max(0, Date.parse(State.FinishedAt) - Date.parse(State.StartedAt)) };
  } catch {
    return {}; // it is not known
  }
}

/** The container goes when the work with it is over, however that ended; unless this process lets go of it. */
export async function removedAfter(
  { engine, own }: RunTools,
  ctx: Context,
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
    if (!kept && !(await removeContainer(engine, id))) own.sweepLater();
  }
}
