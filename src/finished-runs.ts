import { EventLog } from './event-log.ts';
import type { Outcome } from './outcome.ts';
import type { RuntimeResult } from './result.ts';
import { runDirectory } from './run-directory.ts';
import type { StoredRun } from './run-list.ts';

/** Logs kept for readers that come at the same time; those being read are never dropped. */
const KEPT = 64;

/** The event logs of finished runs, made from their records when somebody reads them. */
export class FinishedRuns {
  readonly #dataDir: string;
  readonly #logs = new Map<string, EventLog>();

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  log(run: StoredRun): EventLog {
    const known = this.#logs.get(run.id);
    if (known) return known;
    const log = this.#make(run);
    this.#logs.set(run.id, log);
    for (const [id, { readers }] of this.#logs) {
      if (this.#logs.size <= KEPT) break;
      if (readers === 0) this.#logs.delete(id);
    }
    return log;
  }

  /** Keep the log that was written live, with those who still read it. */
  adopt(id: string, log: EventLog): void {
    if (log.readers > 0) this.#logs.set(id, log);
  }

  isRead(id: string): boolean {
    return (this.#logs.get(id)?.readers ?? 0) > 0;
  }

  forget(id: string): void {
    this.#logs.delete(id);
  }

  #make(run: StoredRun): EventLog {
    if (run.result === null || run.outcome === null || run.finishedAt === null)
      throw new Error(`the record of ${run.id} has no result`);
    const log = new EventLog(run.id, runDirectory(this.#dataDir, run.id));
    log.status('pending', run.createdAt);
    if (run.startedAt !== null) log.status('running', run.startedAt);
    log.expectJournal();
    log.finish({
      finishedAt: run.finishedAt,
      result: JSON.parse(run.result) as RuntimeResult,
      outcome: JSON.parse(run.outcome) as Outcome,
    });
    return log;
  }
}
