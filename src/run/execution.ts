import { type Collection, collectArtifacts, nothingCollected } from '../artifacts/collection.ts';
import type { Config } from '../config.ts';
import type { RunContext } from '../contract/context.ts';
import {
  type AbortReason,
  BROUGHT_AS,
  CannotBegin,
  Rejected,
  type RunnerOutcome,
} from '../contract/outcome.ts';
import type { PrivatePlaces } from '../disk/private-places.ts';
import { outputsOf } from '../disk/run-directory.ts';
import { rxpKindOf } from '../documents/kind.ts';
import { directoryTar } from '../files/directory-tar.ts';
import { messageOf } from '../platform/error-words.ts';
import { removeTree } from '../platform/remove-tree.ts';
import type { InvocationStore } from '../store/invocation-store.ts';
import type { Traces } from '../traces/traces.ts';
import type { WorkspaceRuns } from '../workspaces/run-turns.ts';
import type { CallbackAddresses } from './callback-address.ts';
import { startClocks } from './clocks.ts';
import type { FinishedFacts } from './finished-facts.ts';
import { forgetGiven, placeGiven, removeGiven } from './given-place.ts';
import { graceMs, type LiveRun } from './live-run.ts';
import { lookAgain, noOutputsReason } from './preparation.ts';
import { processEnvironment } from './process-environment.ts';
import { RunScene } from './scene.ts';
import type { SessionRuns } from './session-runs.ts';
import { sessionSetupPlan, setupPlan } from './setup-plan.ts';
import { storeResult } from './stored-result.ts';
import type { RunFacts } from './verdict.ts';
import { concludeWorkspace } from './workspace-run.ts';

export interface ExecutionTools {
  config: Config;
  callbacks: CallbackAddresses;
  store: InvocationStore;
  places: PrivatePlaces;
  /** Null: there are no workspaces. */
  workspaces: WorkspaceRuns | null;
  /** Null: there are none. */
  sessions: SessionRuns | null;
  baseEnvironment: Readonly<Record<string, string>>;
  traces: Pick<Traces, 'contextOf'>;
}

/** What cannot be opened, whatever is made. */
const NO_FILE = '/dev/null/input_payload_path';

/**
 * The way of a run, from its place in the queue to its stored result. Whatever the run does, it gets
 * one; rejects only when its record was lost before the work began.
 */
export async function execute(run: LiveRun, tools: ExecutionTools): Promise<FinishedFacts> {
  await run.stored;
  const { scene, outcome, thrown, reason } = await work(run, tools);
  const notes: string[] = [...(outcome?.notes ?? [])];
  const attempt = async <T>(what: string, call: () => T): Promise<Awaited<T> | null> => {
    try {
      return await call();
    } catch (error) {
      notes.push(`${what}: ${messageOf(error)}`);
      return null;
    }
  };
  const began = performance.now();
  const collection: Collection =
    (scene &&
      (await attempt('artifacts could not be collected', () => collect(run, scene, outcome, tools)))) ??
    nothingCollected(run.invocation.options.outputs, 'artifacts could not be collected');
  if (outcome?.outputs)
    await attempt('what was brought of its outputs could not be taken away', () =>
      removeTree(Buffer.from(outputsOf(run.directory))),
    );
  await attempt('what it was given could not be taken away', () => removeGiven(run));
  if (collection.shortage !== null) notes.push(`artifacts could not be kept: ${collection.shortage}`);
  const collectMs = scene && asksForArtifacts(run) ? ms(performance.now() - began) : null;
  const captured =
    scene && run.runner.captures && !outcome?.captures
      ? await attempt('output could not be captured', () => scene.endOutput())
      : null;
  notes.push(...(captured?.losses ?? []));
  const workspace =
    run.workspace === null ? undefined : await concludeWorkspace(run, tools.workspaces, scene !== null);
  notes.push(...(workspace?.notes ?? []));
  const facts: RunFacts = {
    invocation: run.invocation,
    rxpKind: rxpKindOf(run.runner),
    directory: run.directory,
    startedAt: run.startedAt,
    ran: scene !== null,
    finishedAt: Math.max(Date.now(), run.startedAt ?? run.createdAt),
    queueMs: ms(run.queueMs),
    collectMs,
    reason,
    thrown,
    outcome,
    captures: outcome?.captures ?? captured,
    artifacts: [...(outcome?.artifacts ?? []), ...collection.artifacts],
    omitted: [...(outcome?.omitted ?? []), ...collection.omitted],
    missing: collection.missing,
    workspace: workspace?.outcome,
    notes,
    nextSeq: scene?.nextSeq ?? run.log.journalSeq,
  };
  const bytes = facts.artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const finished = await storeResult(run, facts, bytes, tools);
  scene?.stored();
  await forgetGiven(run);
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
  if (run.resumed) lookAgain(run, tools.places);
  // A run that is resumed has begun: it is stopped and told of like any other.
  if (!run.roots || ((run.refusal || run.signal.aborted) && !run.resumed))
    return { scene: null, outcome: null, thrown: run.refusal, reason: run.abortReason };
  const unplaced = run.refusal ? null : await withGiven(run);
  if (unplaced !== null)
    return { scene: null, outcome: null, thrown: unplaced.thrown, reason: run.abortReason };
  run.understand();
  const scene = new RunScene(run, surroundings(run, tools));
  const stopClocks = startClocks(run, scene, tools.config);
  const done: Work = { scene, outcome: null, thrown: null, reason: null };
  try {
    const call = run.resumed ? run.runner.recover : run.runner.run;
    if (run.refusal) throw new Error(run.refusal.message);
    if (!call) throw new Error('the server that ran it is gone and this kind cannot be resumed');
    done.outcome = await call.call(run.runner, scene.context);
  } catch (error) {
    done.thrown = error;
  } finally {
    stopClocks();
    scene.over();
  }
  return { ...done, reason: run.abortReason };
}

/** Null: what it is given is there. */
async function withGiven(run: LiveRun): Promise<{ thrown: CannotBegin | Rejected | null } | null> {
  try {
    await placeGiven(run);
    return run.signal.aborted && !run.resumed ? { thrown: null } : null;
  } catch (error) {
    if (error instanceof CannotBegin || error instanceof Rejected) return { thrown: error };
    if (run.signal.aborted) return { thrown: null };
    throw error;
  }
}

function collect(
  run: LiveRun,
  scene: RunScene,
  outcome: RunnerOutcome | null,
  { config, places }: ExecutionTools,
) {
  const { workingDirectory, artifactDirectory } = run.paths;
  return collectArtifacts({
    invocation: run.invocation,
    directory: run.directory,
    workingDirectory,
    artifactDirectory,
    outputs: {
      declared: run.invocation.options.outputs ?? [],
      nowhere: noOutputsReason(run),
      brought: new Map((outcome?.outputs ?? []).map((brought) => [brought.id, brought])),
      broughtAs: BROUGHT_AS,
      tarOf: directoryTar,
    },
    ...(run.roots && { roots: run.roots }),
    mounts: run.runner.mounts?.(scene.context) ?? null,
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
  const { artifacts, outputs } = invocation.options;
  return invocation.artifact_directory !== null || artifacts !== undefined || outputs !== undefined;
}

function surroundings(run: LiveRun, tools: ExecutionTools) {
  const { paths } = run;
  const { config, baseEnvironment, callbacks, traces } = tools;
  const { options } = run.filled;
  return {
    workingDirectory: paths.workingDirectory,
    artifactDirectory: paths.artifactDirectory,
    inputPath: paths.inputPayload === null ? null : (run.input?.path ?? NO_FILE),
    inputFile: run.input?.named ?? null,
    workspace: run.copiesWorkspace && tools.workspaces !== null ? copied(run, tools.workspaces) : null,
    given: run.given,
    signedAddresses: run.signedAddresses,
    ...beforeCommand(run, tools),
    environment: processEnvironment(
      baseEnvironment,
      run.filled,
      paths.artifactDirectory,
      traces.contextOf(run),
    ),
    maxOutputBytes: options.max_output_bytes ?? config.maxOutputBytes,
    killGraceMs: graceMs(run, config),
    callbackUrl: () => callbacks.of(run),
  };
}

function beforeCommand(run: LiveRun, { sessions }: ExecutionTools): Pick<RunContext, 'setup' | 'session'> {
  const { options } = run.filled;
  const session = options.session === undefined ? null : (sessions?.roleOf(run.id, options.session) ?? null);
  const setup = session?.isSetup ? sessionSetupPlan(options, session.isResumed) : setupPlan(options);
  return { setup, session };
}

function copied(run: LiveRun, workspaces: WorkspaceRuns): RunContext['workspace'] {
  return { replace: (tar) => workspaces.replace(run, tar) };
}

const ms = (value: number): number => Math.round(value * 1000) / 1000;
