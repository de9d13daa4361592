import type { Config } from '../config.ts';
import { type AbortReason, Rejected } from '../contract/outcome.ts';
import type { Runner } from '../contract/runner.ts';
import { directoryName, type RunDirectory, runDirectory } from '../disk/run-directory.ts';
import { RunwireError } from '../documents/errors.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import type { Invocation, InvocationInput, WholeInvocationInput } from '../documents/invocation.ts';
import type { SentFile } from '../documents/options.ts';
import { redactInvocation } from '../documents/redaction.ts';
import { traceContext } from '../documents/trace-context.ts';
import { workspaceOf } from '../documents/workspace-use.ts';
import type { InputTools } from '../inputs/given-inputs.ts';
import { pinInputs } from '../inputs/pin.ts';
import type { ChurnMap } from '../platform/churn-map.ts';
import { messageOf } from '../platform/error-words.ts';
import { parseExact } from '../platform/exact-json.ts';
import { parseJson } from '../platform/json-parse.ts';
import { uuidV7 } from '../platform/uuid-v7.ts';
import { LiveRun, type Understood } from '../run/live-run.ts';
import type { SessionRuns } from '../run/session-runs.ts';
import { resolveWorkingPaths } from '../run/working-paths.ts';
import type { SpecBook } from '../specs/spec-book.ts';
import type { InvocationStore, UnfinishedRun } from '../store/invocation-store.ts';
import type { SpecOfRun } from '../store/specs.ts';
import type { WorkspaceRuns } from '../workspaces/run-turns.ts';
import { checkOutputs } from './declared-check.ts';
import { settingNothingUp } from './empty-setup.ts';
import type { SubmitOptions } from './engine.ts';
import { fingerprint } from './fingerprint.ts';
import { completeInvocation } from './full-invocation.ts';
import { checkGiven } from './given-check.ts';
import { meantInvocation } from './intake-defaults.ts';
import { type Meaning, meaningOf, plainMeaning, untold } from './meaning.ts';
import { missingRunner, type Registry } from './registry.ts';
import { mayRead, noOwnDirectory, noUse } from './sent-files-check.ts';
import { checkSetup } from './setup-check.ts';
import { checkOtherOptions, parseSpec, refusedAtOnce } from './spec.ts';
import { checkTerminal } from './terminal-check.ts';
import { checkWorkspacePaths } from './workspace-paths.ts';

/** Each is kept as long as the run. */
const MAX_JOINED_KEYS = 100;

/** One that was stored. */
type SentRun = Pick<LiveRun, 'invocation' | 'runner' | 'directory' | 'createdAt'>;

/** Turns what was sent into a run: known already, malformed, or new. */
export class Intake {
  readonly #config: Config;
  readonly #store: InvocationStore;
  readonly #registry: Registry;
  readonly #live: Pick<ChurnMap<string, LiveRun>, 'get' | 'has'>;
  /** Null: there are no workspaces. */
  readonly #workspaces: WorkspaceRuns | null;
  /** Null: there are none. */
  readonly #sessions: SessionRuns | null;
  /** Null: there are none. */
  readonly #specs: SpecBook | null;
  readonly #inputs: InputTools;

  constructor(
    config: Config,
    store: InvocationStore,
    registry: Registry,
    live: Pick<ChurnMap<string, LiveRun>, 'get' | 'has'>,
    workspaces: WorkspaceRuns | null,
    sessions: SessionRuns | null,
    specs: SpecBook | null,
    inputs: InputTools,
  ) {
    this.#config = config;
    this.#store = store;
    this.#registry = registry;
    this.#live = live;
    this.#workspaces = workspaces;
    this.#sessions = sessions;
    this.#specs = specs;
    this.#inputs = inputs;
  }

  /**
   * The id of the run that the same id or key made before; a key that is new is from now on that of the run which it came
   * to. Throws a conflict when the body is another.
   */
  earlier(input: InvocationInput, { idempotencyKey: key, files }: SubmitOptions): string | null {
    const id = input.invocation_id;
    const known = id === undefined ? undefined : (this.#live.get(id) ?? this.#store.get(id));
    if (known && known.fingerprint !== fingerprint(input, files?.digest))
      throw new RunwireError('invocation_conflict', `${known.id} is the invocation_id of another invocation`);
    const keyed = key === undefined ? undefined : this.#store.findByKey(key);
    if (keyed && keyed.fingerprint !== fingerprint(input, files?.digest))
      throw new RunwireError('idempotency_key_conflict', 'The Idempotency-Key was used with another body');
    if (known && key !== undefined && !keyed) this.#join(known.id, key);
    return (known ?? keyed)?.id ?? null;
  }

  #join(id: string, key: string): void {
    if (this.#store.joinedKeys(id) >= MAX_JOINED_KEYS)
      throw new RunwireError(
        'idempotency_key_conflict',
        `${id} was joined with ${MAX_JOINED_KEYS} other keys: send one of them again, or none`,
      );
    this.#store.joinKey(id, key);
  }

  /** A new run. Throws invalid_invocation, naming the fields. */
  accept(input: InvocationInput, options: SubmitOptions): LiveRun {
    const { whole, spec, told } = meantInvocation(input, {
      ...{ specs: this.#specs, sessions: this.#sessions, isOwn: options.ofSession ?? false },
      kindOf: (word) => this.#registry.kindOf(word),
    });
    const repeatable = input.invocation_id !== undefined || options.idempotencyKey !== undefined;
    const sent = repeatable ? fingerprint(input, options.files?.digest) : null;
    try {
      return this.#accept(whole, spec, sent, options);
    } catch (error) {
      throw told(error);
    }
  }

  #accept(
    input: WholeInvocationInput,
    spec: SpecOfRun | null,
    sent: string | null,
    { idempotencyKey, trace = {}, files, mustRun }: SubmitOptions,
  ): LiveRun {
    const workspace = workspaceOf(input.options?.workspace);
    if (files && input.working_directory && workspace === null) throw noOwnDirectory();
    const id = input.invocation_id ?? uuidV7();
    const own = runDirectory(this.#config.dataDir, directoryName(id));
    const directory = workspace === null ? own : this.#inWorkspace(own, workspace.id);
    if (workspace !== null) checkWorkspacePaths(input, directory.work);
    const paths = resolveWorkingPaths(input, directory, workspace === null ? undefined : directory.work);
    const sentInvocation = completeInvocation(input, id, paths.workingDirectory, this.#config);
    const runner = this.#runnerOf(sentInvocation);
    const createdAt = Date.now();
    checkGiven(runner, sentInvocation.options);
    const asked = { invocation: this.#pinned(sentInvocation, files), runner, directory, createdAt, ...paths };
    const meaning = meaningOf(asked, this.#inputs);
    const { invocation, filled } = meaning;
    checkOtherOptions(
      this.#registry.all.filter(({ kind }) => kind !== runner.kind),
      invocation,
    );
    const parsed = untold(meaning, () => this.#specOf(runner, filled));
    if (mustRun && parsed.refusal !== null) throw refusedAtOnce(parsed.refusal);
    if (files && workspace === null && !mayRead(runner, invocation, parsed)) throw noUse(runner);
    return new LiveRun({
      ...parsed,
      ...{ ...meaning, runner, directory, paths, createdAt },
      invocationJson: JSON.stringify(redactInvocation(invocation)),
      fingerprint: sent,
      environmentSpec: spec,
      idempotencyKey: idempotencyKey ?? null,
      trace,
      rebooted: false,
      aborted: null,
      keepAbort: this.#keepAbort,
    });
  }

  /** A run that an earlier server had accepted. What this one does not understand of it is its refusal. */
  revive(row: UnfinishedRun): LiveRun {
    const invocation = parseExact(row.invocation) as Invocation;
    const runner = this.#runnerOf(invocation);
    // What is stored is what clients see.
    const { invocation: invocationJson, createdAt, fingerprint, idempotencyKey, rebooted } = row;
    const workspace = workspaceOf(invocation.options.workspace);
    const own = runDirectory(this.#config.dataDir, row.directory);
    const tree = workspace && this.#workspaces?.treeOf(workspace.id);
    const directory = tree ? { ...own, work: tree } : own;
    const sent = { invocation, runner, directory, createdAt };
    return new LiveRun({
      ...this.#understood(sent),
      ...(runner.given?.by === 'address' && { understoodNow: () => this.#understoodNow(sent) }),
      ...{ invocationJson, runner, directory, createdAt, fingerprint, idempotencyKey, rebooted },
      paths: null,
      trace: traceContext(row),
      environmentSpec: row.environmentSpec === null ? null : (parseJson(row.environmentSpec) as SpecOfRun),
      aborted: row.abort === null ? null : keptReason(row.abort),
      keepAbort: this.#keepAbort,
    });
  }

  /** The record tells which ones it was given, whatever their names mean later. */
  #pinned(invocation: Invocation, sent: SubmitOptions['files']): Invocation {
    const { inputs, files } = invocation.options;
    if (inputs === undefined && !sent?.versions.size) return invocation;
    const options = {
      ...invocation.options,
      ...(inputs && { inputs: pinInputs(inputs, this.#inputs.artifacts) }),
      ...(files && { files: files.map((file, index) => versioned(file, sent?.versions.get(index))) }),
    };
    return { ...invocation, options };
  }

  /** Throws RunwireError where no run may be in it. */
  #inWorkspace(own: RunDirectory, id: string): RunDirectory {
    if (this.#workspaces === null)
      throw fieldRefusal('invalid_invocation', [
        { path: 'options.workspace', message: 'this server has no workspaces' },
      ]);
    return { ...own, work: this.#workspaces.admit(id) };
  }

  #runnerOf(invocation: Invocation): Runner {
    const { runtime_kind } = invocation;
    const runner = this.#registry.find(runtime_kind) ?? missingRunner(runtime_kind);
    return this.#isSetup(invocation) && !runner.setsUp ? settingNothingUp(runner) : runner;
  }

  #isSetup({ invocation_id: id, options: { session } }: Invocation): boolean {
    return session !== undefined && (this.#sessions?.roleOf(id, session)?.isSetup ?? false);
  }

  #specOf(runner: Runner, invocation: Invocation): ReturnType<typeof parseSpec> {
    const { command, options } = invocation;
    if (runner.needsCommand && command.length === 0 && !this.#isSetup(invocation))
      throw fieldRefusal('invalid_invocation', [{ path: 'command', message: 'is needed by this kind' }]);
    checkSetup(runner, options);
    checkTerminal(runner, options);
    checkOutputs(runner, options);
    return parseSpec(runner, invocation);
  }

  /** Of one that an earlier server took: where it is not understood any more, that is its refusal. */
  #understood(run: SentRun): Meaning & ReturnType<typeof parseSpec> {
    const { invocation, runner, directory } = run;
    let meaning = plainMeaning(invocation);
    try {
      meaning = meaningOf({ ...run, ...resolveWorkingPaths(invocation, directory) }, this.#inputs);
      const understood = meaning;
      return { ...meaning, ...untold(meaning, () => this.#specOf(runner, understood.filled)) };
    } catch (error) {
      return { ...meaning, spec: null, refusal: new Rejected(messageOf(error)) };
    }
  }

  /** Before it listens a server need not know its own address. */
  #understoodNow(run: SentRun): Understood | null {
    const { refusal, ...now } = this.#understood(run);
    return refusal === null ? now : null;
  }

  readonly #keepAbort = (id: string, reason: AbortReason): void => {
    try {
      this.#store.setAbort(id, JSON.stringify({ reason, pressedAt: Date.now() }));
    } catch {
      // Told by the store's onRollback. What is to stop stops all the same.
    }
  };
}

const versioned = (file: SentFile, asset: string | undefined): SentFile =>
  asset === undefined ? file : { ...file, asset };

/** What keepAbort wrote. The grace goes on where it was: servers that die again and again do not lengthen it. */
function keptReason(kept: string): AbortReason {
  const { reason, pressedAt } = parseJson(kept) as { reason: AbortReason; pressedAt: number };
  const leftMs = pressedAt + reason.graceMs - Date.now();
  return { ...reason, graceMs: Math.min(Math.max(leftMs, 0), reason.graceMs) };
}
