import type { DiscardedFiles } from '../disk/discarded.ts';
import { nameOf } from '../disk/run-directory.ts';
import type { ChurnMap } from '../platform/churn-map.ts';
import { type ExecutionTools, execute } from '../run/execution.ts';
import type { FinishedFacts } from '../run/finished-facts.ts';
import type { LiveRun } from '../run/live-run.ts';
import { makeReady } from '../run/preparation.ts';
import { askSession } from '../run/session-runs.ts';
import { prepareWorkspace } from '../run/workspace-run.ts';
import { writeUntilStored } from '../store/lasting-write.ts';
import type { Traces } from '../traces/traces.ts';
import type { Recovery } from './recovery.ts';
import { type ReportTools, reportRun } from './report.ts';
import type { RunViews } from './views.ts';

export interface ConductParts {
  tools: ExecutionTools;
  /** All that are not finished, by id. */
  live: ChurnMap<string, LiveRun>;
  views: Pick<RunViews, 'finish'>;
  recovery: Pick<Recovery, 'finished'>;
  discarded: Pick<DiscardedFiles, 'remove'>;
  log: ReportTools['log'] & {
    warn(facts: object, message: string): void;
    error(facts: object, message: string): void;
  };
  metrics: ReportTools['metrics'];
  traces: Pick<Traces, 'runFinished'>;
  /** A run with `on_finish` has finished and its result is stored. */
  onFinished?: (id: string) => void;
}

/** Leads a run through its work to its stored result, and tells of it. */
export class Conduct {
  readonly #parts: ConductParts;

  constructor(parts: ConductParts) {
    this.#parts = parts;
  }

  /** One that has waited has its place. Never rejects. */
  async start(run: LiveRun): Promise<void> {
    const { tools } = this.#parts;
    if (run.workspace !== null && run.status === 'pending') {
      await askSession(run, tools.sessions);
      await prepareWorkspace(run, tools.workspaces);
    }
    const ended = run.workspace !== null && run.signal.aborted;
    if (ended) run.leaveQueue();
    else if (run.status === 'pending' && makeReady(run, tools.places))
      run.keep(this.#storeRunning(run, Math.max(Date.now(), run.createdAt)));
    await this.lead(run);
  }

  /** To its end, also where it cannot begin. Never rejects. */
  async lead(run: LiveRun): Promise<void> {
    const { tools, live, log } = this.#parts;
    try {
      const facts = await execute(run, tools);
      live.delete(run.id);
      this.#tell(run, facts);
    } catch (error) {
      // The record was lost: the submission has been refused with the same error.
      live.delete(run.id);
      log.error({ invocation_id: run.id, err: error }, 'run was not stored');
      this.discard(run);
    }
    if (run.workspace !== null) tools.workspaces?.leave(run);
    run.end();
    const { session } = run.invocation.options;
    if (session !== undefined) tools.sessions?.left(run.id, session);
  }

  /** The files of a run that has no record. */
  discard({ id, directory }: LiveRun): void {
    const { discarded, log } = this.#parts;
    discarded
      .remove(nameOf(directory))
      .catch((err) => log.warn({ invocation_id: id, err }, 'files could not be removed'));
  }

  /** A crash must not start it twice, nor at another time than was told: it has begun for the record before it begins. */
  async #storeRunning(run: LiveRun, startedAt: number): Promise<void> {
    const { store } = this.#parts.tools;
    await run.stored;
    await writeUntilStored(store, () => store.markRunning(run.id, startedAt));
    run.begin(startedAt);
  }

  #tell(run: LiveRun, facts: FinishedFacts): void {
    const { views, recovery, onFinished } = this.#parts;
    recovery.finished(run, facts.outcome);
    run.log.finish(facts);
    views.finish(run, facts);
    if (run.invocation.options.on_finish) onFinished?.(run.id);
    reportRun(run, facts, this.#parts);
    this.#parts.traces.runFinished(run, facts);
  }
}
