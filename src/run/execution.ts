import { type Collection, collectArtifacts } from '../artifacts/collection.ts';
import type { Config } from '../config.ts';
import type { AbortReason, RunnerOutcome } from '../contract/outcome.ts';
import type { PrivatePlaces } from '../disk/private-places.ts';
import type { Outcome } from '../documents/outcome.ts';
import type { FinalStatus, RuntimeResult } from '../documents/result.ts';
import { messageOf } from '../platform/error-words.ts';
import type { InvocationStore } from '../store/invocation-store.ts';
import { writeUntilStored } from '../store/lasting-write.ts';
import type { CallbackAddresses } from './callback-address.ts';
import { startClocks } from './clocks.ts';
import { abortReason, graceMs, type LiveRun } from './live-run.ts';
import { prepare } from './preparation.ts';
import { processEnvironment } from './process-environment.ts';
import { writeResultFile } from './result-file.ts';
import { RunScene } from './scene.ts';
import { normalize, type RunFacts } from './verdict.ts';
import { resolveWorkingPaths, type WorkingPaths } from './working-paths.ts';

export interface ExecutionTools {
  config: Config;
  callbacks: CallbackAddresses;
  store: InvocationStore;
  places: PrivatePlaces;
  baseEnvironment: Readonly<Record<string, string>>;
}

export interface FinishedFacts {
  status: FinalStatus;
  finishedAt: number;
  result: RuntimeResult;
  outcome: Outcome;
  /** The two documents as they are stored. */
  documents: { result: string; outcome: string };
}

const NO_ARTIFACTS: Collection = { artifacts: [], omitted: [], bytes: 0, shortage: null };

/**
 * The way of a run, from its place in the queue to its stored result. Whatever the run does, it gets
 * one; rejects only when its record was lost before the work began.
 */
export async function execute(run: LiveRun, tools: ExecutionTools): Promise<FinishedFacts> {
  await run.stored;
  const { scene, outcome, thrown, reason } = await work(run, tools);
  const notes: string[] = [];
  const attempt = async <T>(what: string, call: () => T): Promise<Awaited<T> | null> => {
    try {
      return await call();
    } catch (error) {
      notes.push(`${what}: ${messageOf(error)}`);
      return null;
    }
  };
  const began = performance.now();
  const collection =
    (scene && (await attempt('artifacts could not be collected', () => collect(run, outcome, tools)))) ??
    NO_ARTIFACTS;
  if (collection.shortage !== null) notes.push(`artifacts could not be kept: ${collection.shortage}`);
  const collectMs = scene && asksForArtifacts(run) ? ms(performance.now() - began) : null;
  const captured =
    scene && run.runner.captures && !outcome?.captures
      ? await attempt('output could not be captured', () => scene.endOutput())
      : null;
  notes.push(...(captured?.losses ?? []));
  const facts: RunFacts = {
    invocation: run.invocation,
    directory: run.directory,
    startedAt: run.startedAt,
    ran: scene !== null,
    finishedAt: Math.max(Date.now(), run.startedAt ?? run.createdAt),
    queueMs: ms(run.queueMs),
    collectMs,
    reason,
    thrown,
    outcome,
    captures: outcome?.captures ?? (captured && { stdout: captured.stdout, stderr: captured.stderr }),
    artifacts: [...(outcome?.artifacts ?? []), ...collection.artifacts],
    omitted: [...(outcome?.omitted ?? []), ...collection.omitted],
    notes,
    nextSeq: scene?.nextSeq ?? run.log.journalSeq,
  };
  const bytes = facts.artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const finished = await storeResult(run, facts, bytes, tools);
  scene?.stored();
  return finished;
}

interface Work {
  /** Null: the runner was not called. */
  scene: RunScene | null;
  outcome: RunnerOutcome | null;
  thrown: unknown;
  /** Why it was aborted, while there was something to abort. */
  reason: AbortReason | null;
}

async function work(run: LiveRun, tools: ExecutionTools): Promise<Work> {
  if (run.recovering) run.prepared ??= prepare(run, tools.places);
  // A run that is carried on has begun: it is stopped and told of like any other.
  if (!run.prepared || ((run.refusal || run.abort.signal.aborted) && !run.recovering))
    return { scene: null, outcome: null, thrown: run.refusal, reason: abortReason(run) };
  const scene = new RunScene(run, surroundings(run, run.prepared.paths, tools));
  const stopClocks = startClocks(run, scene, tools.config);
  const done: Work = { scene, outcome: null, thrown: null, reason: null };
  try {
    const call = run.recovering ? run.runner.recover : run.runner.run;
    if (run.refusal) throw new Error(run.refusal.message);
    if (!call) throw new Error('the server that ran it is gone and this kind cannot be carried on');
    done.outcome = await call.call(run.runner, scene.context);
  } catch (error) {
    done.thrown = error;
  } finally {
    stopClocks();
    scene.over();
  }
  return { ...done, reason: abortReason(run) };
}

function collect(run: LiveRun, outcome: RunnerOutcome | null, { config, places }: ExecutionTools) {
  const { paths, roots } = run.prepared ?? prepare(run, places);
  return collectArtifacts({
    invocation: run.invocation,
    directory: run.directory,
    workingDirectory: paths.workingDirectory,
    artifactDirectory: paths.artifactDirectory,
    roots,
    places,
    takenIds: ['stdout', 'stderr', ...(outcome?.artifacts ?? []).map(({ id }) => id)],
    caps: {
      fileBytes: config.maxArtifactBytes,
      totalBytes: config.maxArtifactsBytes,
      count: config.maxArtifactsCount,
    },
  });
}

function asksForArtifacts({ invocation }: LiveRun): boolean {
  return invocation.artifact_directory !== null || invocation.options.artifacts !== undefined;
}

function surroundings(run: LiveRun, paths: WorkingPaths, tools: ExecutionTools) {
  const { config, baseEnvironment, callbacks } = tools;
  const { options } = run.invocation;
  return {
    workingDirectory: paths.workingDirectory,
    artifactDirectory: paths.artifactDirectory,
    inputPath: paths.inputPayload,
    environment: processEnvironment(
      baseEnvironment,
      run.invocation,
      paths.artifactDirectory,
      run.traceparent,
    ),
    maxOutputBytes: options.max_output_bytes ?? config.maxOutputBytes,
    killGraceMs: graceMs(run, config),
    callbackUrl: () => callbacks.of(run),
  };
}

/** Result file first, then the record: whoever sees the run finished finds both. Tries until the record is stored. */
async function storeResult(
  run: LiveRun,
  facts: RunFacts,
  artifactBytes: number,
  { store, places }: ExecutionTools,
): Promise<FinishedFacts> {
  let { result, outcome } = normalize(facts);
  const { outputResult, workingDirectory } = resolveWorkingPaths(run.invocation, run.directory);
  if (outputResult !== null)
    try {
      const confined = run.runner.confined ? workingDirectory : null;
      await writeResultFile(outputResult, result, { confined, places: places.look(run.directory) });
    } catch (error) {
      ({ result, outcome } = normalize({
        ...facts,
        notes: [...facts.notes, messageOf(error)],
      }));
    }
  const status = result.status as FinalStatus; // normalize gives final ones only
  const documents = { result: JSON.stringify(result), outcome: JSON.stringify(outcome) };
  const stored = {
    status,
    finishedAt: facts.finishedAt,
    ...documents,
    outputBytes: (outcome.stdout?.kept ?? 0) + (outcome.stderr?.kept ?? 0) + artifactBytes,
  };
  run.storingSince = performance.now();
  await writeUntilStored(store, () => store.finish(run.id, stored));
  return { status, finishedAt: facts.finishedAt, result, outcome, documents };
}

const ms = (value: number): number => Math.round(value * 1000) / 1000;
