import type { Outcome } from '../documents/outcome.ts';
import type { Recovered, RecoveryState } from '../documents/recovery-state.ts';
import type { ChurnMap } from '../platform/churn-map.ts';
import type { LiveRun } from '../run/live-run.ts';
import type { UnfinishedRun } from '../store/invocation-store.ts';
import type { Intake } from './intake.ts';
import { queueTimeoutOf } from './queue-timeout.ts';

/** So many are looked for at a time: neither memory nor others' requests may depend on how many there are. */
const AT_ONCE = 64;

export interface RecoveryTools {
  intake: Pick<Intake, 'revive'>;
  /** All that are not finished, by id. */
  live: Pick<ChurnMap<string, LiveRun>, 'set'>;
  log: { info(facts: object, message: string): void };
  metrics: { runRecovered(how: Recovered): void };
}

/** Where revived runs go. */
export interface Readmission {
  /** It had not started: it waits again, or only ends. */
  readmit(run: LiveRun): void;
  /** It had started. `turn` resolves when it may be looked for. */
  resume(run: LiveRun, turn: () => Promise<void>): void;
}

/** Revives what an earlier server left, and tells what came of it. */
export class Recovery {
  readonly #tools: RecoveryTools;
  readonly #counts = { queued: 0, resumed: 0, lost: 0 };
  /** Runs that had started, until it is known what became of them; and who waits for that. */
  readonly #open = new Map<LiveRun, PromiseWithResolvers<void> | null>();
  /** Those of them whose turn has not come, in order. */
  readonly #waiting = new Map<LiveRun, () => void>();
  readonly #lookedFor = new Set<LiveRun>();
  #next: NodeJS.Immediate | null = null;
  #paused = false;
  #began = 0;

  constructor(tools: RecoveryTools) {
    this.#tools = tools;
  }

  get state(): RecoveryState {
    return { ...this.#counts, stillRecovering: this.#open.size };
  }

  /** `rows` in order of acceptance. Waiting runs wait again; running ones are resumed. */
  begin(rows: Iterable<UnfinishedRun>, admission: Readmission): void {
    const { intake, live, log } = this.#tools;
    this.#began = performance.now();
    for (const row of rows) {
      const run = intake.revive(row);
      live.set(run.id, run);
      if (row.startedAt === null) {
        this.#count('queued');
        const timeout = queueTimeoutOf(run);
        if (timeout && timeout.leftMs <= 0) run.abort(timeout.reason);
        admission.readmit(run);
      } else {
        this.#open.set(run, null);
        run.resume(row.startedAt, () => this.#settle(run, 'resumed'));
        admission.resume(run, () => this.#turn(run));
      }
    }
    const { queued, stillRecovering } = this.state;
    if (queued + stillRecovering > 0) log.info(this.state, 'recovers the runs of an earlier server');
  }

  /** Resolves when a run may be looked for that costs nothing while it waits for that. In order of the calls. */
  #turn(run: LiveRun): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.set(run, resolve);
    this.#letNext();
    return promise;
  }

  /** Resolves when it is known what became of the run: for those who come for it, its turn is now. */
  async resumed(run: LiveRun | undefined): Promise<void> {
    if (!run || !this.#open.has(run)) return;
    const known = this.#open.get(run) ?? Promise.withResolvers<void>();
    this.#open.set(run, known);
    this.#let(run);
    await known.promise;
  }

  /** The run has its result. */
  finished(run: LiveRun, { ended }: Outcome): void {
    if (run.resumed) this.#settle(run, ended === 'lost' ? 'lost' : 'resumed');
  }

  /** The server stops: what has not had its turn is left to the next one. */
  pause(): void {
    this.#paused = true;
  }

  #settle(run: LiveRun, how: Recovered): void {
    if (!this.#open.has(run)) return;
    this.#open.get(run)?.resolve();
    this.#open.delete(run);
    this.#lookedFor.delete(run);
    this.#count(how);
    if (this.#waiting.size > 0) this.#next ??= setImmediate(() => this.#letNext());
    if (this.#open.size > 0) return;
    const seconds = Math.round(performance.now() - this.#began) / 1000;
    this.#tools.log.info({ ...this.#counts, seconds }, 'recovered the runs of an earlier server');
  }

  #letNext(): void {
    this.#next = null;
    for (const run of this.#waiting.keys()) {
      if (this.#lookedFor.size >= AT_ONCE) return;
      this.#let(run);
    }
  }

  #let(run: LiveRun): void {
    const begin = this.#waiting.get(run);
    if (!begin || this.#paused) return;
    this.#waiting.delete(run);
    this.#lookedFor.add(run);
    begin();
  }

  #count(how: Recovered): void {
    this.#counts[how]++;
    this.#tools.metrics.runRecovered(how);
  }
}
