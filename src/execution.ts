import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Collection, collectArtifacts } from './artifact-collection.ts';
import type { Config } from './config.ts';
import type { InvocationStore } from './invocation-store.ts';
import { abortReason, abortRun, type LiveRun } from './live-run.ts';
import { afterMs } from './long-timer.ts';
import { normalize, type RunFacts } from './normalize.ts';
import type { Outcome } from './outcome.ts';
import { processEnvironment } from './process-environment.ts';
import type { FinalStatus, RuntimeResult } from './result.ts';
import { writeResultFile } from './result-file.ts';
import { RunScene } from './run-context.ts';
import type { RunnerOutcome } from './runner.ts';
import {
  prepareWorkingPaths,
  type RealRoots,
  resolveWorkingPaths,
  type WorkingPaths,
} from './working-paths.ts';

export interface ExecutionTools {
  config: Config;
  store: InvocationStore;
  baseEnvironment: Readonly<Record<string, string>>;
}

export interface FinishedFacts {
  status: FinalStatus;
  finishedAt: number;
  result: RuntimeResult;
  outcome: Outcome;
}

/** How long a failed store is left alone before it is tried again. */
const STORE_RETRY_MS = 1000;
const NO_ARTIFACTS: Collection = { artifacts: [], omitted: [], bytes: 0 };

/** Directories and checks before a run starts. Throws Rejected when it cannot be run as it was asked for. */
export function prepare(run: LiveRun): { paths: WorkingPaths; roots: RealRoots } {
  const paths = resolveWorkingPaths(run.invocation, run.directory);
  mkdirSync(run.directory.root, { recursive: true, mode: 0o700 });
  const roots = prepareWorkingPaths(paths, { globs: run.invocation.options.artifacts !== undefined });
  return { paths, roots };
}

/**
 * The way of a run, from its place in the queue to its stored result. Never rejects for what the run
 * does; rejects when the record itself could not be stored before the work began.
 */
export async function execute(run: LiveRun, tools: ExecutionTools): Promise<FinishedFacts> {
  await tools.store.committed(); // from here on a crash cannot forget the run
  let scene: RunScene | null = null;
  let outcome: RunnerOutcome | null = null;
  let thrown: unknown = run.refusal;
  let collection = NO_ARTIFACTS;
  let collectMs: number | null = null;
  if (run.prepared && thrown === null && !run.abort.signal.aborted) {
    const { paths, roots } = run.prepared;
    scene = new RunScene(run, surroundings(run, paths, tools));
    const stopTimers = startTimers(run, scene, tools.config);
    try {
      const work = run.recovering ? run.runner.recover : run.runner.run;
      if (!work) throw new Error('the server that ran it is gone and this kind cannot be carried on');
      outcome = await work(scene.context);
    } catch (error) {
      thrown = error;
    } finally {
      stopTimers();
    }
    run.controls = {};
    const began = performance.now();
    collection = await collectArtifacts({
      invocation: run.invocation,
      directory: run.directory,
      workingDirectory: paths.workingDirectory,
      artifactDirectory: paths.artifactDirectory,
      roots,
      takenIds: ['stdout', 'stderr', ...(outcome?.artifacts ?? []).map(({ id }) => id)],
      caps: {
        fileBytes: tools.config.maxArtifactBytes,
        totalBytes: tools.config.maxArtifactsBytes,
        count: tools.config.maxArtifactsCount,
      },
    });
    if (collection !== NO_ARTIFACTS && asksForArtifacts(run)) collectMs = ms(performance.now() - began);
  }
  const facts: RunFacts = {
    invocation: run.invocation,
    directory: run.directory,
    startedAt: run.startedAt,
    ran: scene !== null,
    finishedAt: Math.max(Date.now(), run.startedAt ?? run.createdAt),
    queueMs: ms(run.queueMs),
    collectMs,
    reason: abortReason(run),
    thrown,
    outcome,
    captures: outcome?.captures ?? (run.runner.captures ? (scene?.endOutput() ?? null) : null),
    artifacts: [...(outcome?.artifacts ?? []), ...collection.artifacts],
    omitted: collection.omitted,
    notes: [],
    nextSeq: scene?.nextSeq ?? run.log.journalSeq,
  };
  const finished = await storeResult(run, facts, collection.bytes, tools.store);
  scene?.stored();
  return finished;
}

function asksForArtifacts({ invocation }: LiveRun): boolean {
  return invocation.artifact_directory !== null || invocation.options.artifacts !== undefined;
}

function surroundings(run: LiveRun, paths: WorkingPaths, { config, baseEnvironment }: ExecutionTools) {
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
    killGraceMs: (options.kill_grace_seconds ?? config.killGraceSeconds) * 1000,
  };
}

/** The clocks that may press the run's signal. Returns how they all stop. */
function startTimers(run: LiveRun, scene: RunScene, config: Config): () => void {
  const stops: (() => void)[] = [];
  const { timeout_seconds: seconds, options } = run.invocation;
  const graceMs = (options.kill_grace_seconds ?? config.killGraceSeconds) * 1000;
  if (seconds !== null) {
    const left = Math.max(0, seconds * 1000 - (run.recovering ? Date.now() - (run.startedAt ?? 0) : 0));
    stops.push(afterMs(left, () => abortRun(run, { kind: 'timeout', which: 'run', seconds, graceMs })));
  }
  const idle = options.idle_timeout_seconds;
  if (idle !== undefined)
    stops.push(
      scene.onIdle(idle * 1000, () =>
        abortRun(run, { kind: 'timeout', which: 'idle', seconds: idle, graceMs }),
      ),
    );
  return () => {
    for (const stop of stops) stop();
  };
}

/** Result file first, then the record: whoever sees the run finished finds both. Tries until the record is stored. */
async function storeResult(
  run: LiveRun,
  facts: RunFacts,
  artifactBytes: number,
  store: InvocationStore,
): Promise<FinishedFacts> {
  let { result, outcome } = normalize(facts);
  const { outputResult } = resolveWorkingPaths(run.invocation, run.directory);
  if (outputResult !== null)
    try {
      await writeResultFile(outputResult, result);
    } catch (error) {
      ({ result, outcome } = normalize({
        ...facts,
        notes: [error instanceof Error ? error.message : String(error)],
      }));
    }
  const status = result.status as FinalStatus; // normalize gives final ones only
  const stored = {
    status,
    finishedAt: facts.finishedAt,
    result: JSON.stringify(result),
    outcome: JSON.stringify(outcome),
    outputBytes: (outcome.stdout?.kept ?? 0) + (outcome.stderr?.kept ?? 0) + artifactBytes,
  };
  for (;;)
    try {
      store.finish(run.id, stored);
      await store.committed();
      return { status, finishedAt: facts.finishedAt, result, outcome };
    } catch {
      await sleep(STORE_RETRY_MS); // the store has reported it; a full disk may get space again
    }
}

const ms = (value: number): number => Math.round(value * 1000) / 1000;
