import type { Intake } from './intake.ts';
import type { UnfinishedRun } from './invocation-store.ts';
import { abortRun, type LiveRun } from './live-run.ts';
import type { Outcome } from './outcome.ts';
import { beginRun } from './preparation.ts';
import { waitedTooLong } from './queue-timer.ts';
import type { Recovered, RecoveryState } from './recovery-state.ts';

export interface RecoveryTools {
  intake: Pick<Intake, 'revive'>;
  /** All that are not finished, by id. */
  live: Map<string, LiveRun>;
  /** It has not started: it waits again. */
  enqueue(run: LiveRun): void;
  /** It had started. */
  carryOn(run: LiveRun): void;
  log: { info(facts: object, message: string): void };
  metrics: { runRecovered(how: Recovered): void };
}

/** Takes up what an earlier server left, and tells what came of it. */
export class Recovery {
  readonly #tools: RecoveryTools;
  readonly #counts = { queued: 0, resumed: 0, lost: 0 };
  readonly #open = new Set<LiveRun>();
  #began = 0;

  constructor(tools: RecoveryTools) {
    this.#tools = tools;
  }

  get state(): RecoveryState {
    return { ...this.#counts, stillRecovering: this.#open.size };
  }

  /** `rows` in order of acceptance. Waiting runs wait again; running ones are carried on. */
  begin(rows: readonly UnfinishedRun[]): void {
    const { intake, live, enqueue, carryOn, log } = this.#tools;
    this.#began = performance.now();
    for (const row of rows) {
      const run = intake.revive(row);
      live.set(run.id, run);
      if (row.startedAt === null) {
        this.#count('queued');
        const reason = waitedTooLong(run);
        if (reason) abortRun(run, reason);
        enqueue(run);
      } else {
        run.recovering = true;
        this.#open.add(run);
        run.onTakenUp = () => this.#settle(run, 'resumed');
        beginRun(run, row.startedAt);
        carryOn(run);
      }
    }
    if (rows.length > 0) log.info(this.state, 'takes up the runs of an earlier server');
  }

  /** The run has its result. */
  finished(run: LiveRun, { ended }: Outcome): void {
    if (run.recovering) this.#settle(run, ended === 'lost' ? 'lost' : 'resumed');
  }

  #settle(run: LiveRun, how: Recovered): void {
    if (!this.#open.delete(run)) return;
    this.#count(how);
    if (this.#open.size > 0) return;
    const seconds = Math.round(performance.now() - this.#began) / 1000;
    this.#tools.log.info({ ...this.#counts, seconds }, 'took up the runs of an earlier server');
  }

  #count(how: Recovered): void {
    this.#counts[how]++;
    this.#tools.metrics.runRecovered(how);
  }
}
