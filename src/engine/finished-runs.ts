import { type RunDirectory, runDirectory } from '../disk/run-directory.ts';
import type { Outcome } from '../documents/outcome.ts';
import type { RuntimeResult } from '../documents/result.ts';
import { EventLog } from '../log/event-log.ts';
import { parseJson } from '../platform/json-parse.ts';
import type { StoredRun } from '../store/run-list.ts';

/** Logs kept for readers that come at the same time; those being read are never dropped. */
const KEPT = 64;

interface Holders {
  count: number;
  onNone: (() => void) | null;
}

/** Those who still read a run that is being removed. */
export interface LastReaders {
  /** Resolves when the last of them has left; null when there is none. */
  gone: Promise<void> | null;
  /** The run is not removed after all. */
  stay(): void;
}

/** The event logs of finished runs, made from their records when somebody reads them. */
export class FinishedRuns {
  readonly #dataDir: string;
  readonly #logs = new Map<string, EventLog>();
  readonly #holders = new Map<string, Holders>();

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  log(run: StoredRun): EventLog {
    const known = this.#logs.get(run.id);
    if (known) return known;
    const log = this.#make(run);
    this.#logs.set(run.id, log);
    for (const id of this.#logs.keys()) {
      if (this.#logs.size <= KEPT) break;
      if (!this.isRead(id)) this.#logs.delete(id);
    }
    return log;
  }

  /** Keep the log that was written live, with those who still read it. */
  adopt(id: string, log: EventLog): void {
    if (log.readers > 0 || this.#holders.has(id)) this.#logs.set(id, log);
  }

  /** Until `read` settles a run counts as being read, also in moments when nothing of it is. */
  async reading<T>(id: string, read: () => Promise<T>): Promise<T> {
    const holders = this.#holders.get(id) ?? { count: 0, onNone: null };
    if (holders.count++ === 0) this.#holders.set(id, holders);
    try {
      return await read();
    } finally {
      if (--holders.count === 0) {
        if (this.#holders.get(id) === holders) this.#holders.delete(id);
        holders.onNone?.();
      }
    }
  }

  isRead(id: string): boolean {
    return this.#holders.has(id) || (this.#logs.get(id)?.readers ?? 0) > 0;
  }

  /**
   * The run is being removed and its files are in `directory` now: who reads it goes on there, nobody else comes.
   * `home`: where they are when it stays after all.
   */
  depart(id: string, directory: RunDirectory, home: RunDirectory): LastReaders {
    const log = this.#logs.get(id);
    const holders = this.#holders.get(id);
    this.#logs.delete(id);
    this.#holders.delete(id);
    log?.moveTo(directory);
    return {
      gone: holders ? new Promise((resolve) => (holders.onNone = resolve)) : null,
      stay: () => {
        log?.moveTo(home);
        if (log && !this.#logs.has(id)) this.#logs.set(id, log);
        if (holders && holders.count > 0 && !this.#holders.has(id)) this.#holders.set(id, holders);
      },
    };
  }

  #make(run: StoredRun): EventLog {
    if (run.result === null || run.outcome === null || run.finishedAt === null)
      throw new Error(`the record of ${run.id} has no result`);
    const log = new EventLog(run.id, runDirectory(this.#dataDir, run.directory));
    log.status('pending', run.createdAt);
    if (run.startedAt !== null) log.status('running', run.startedAt);
    log.expectJournal();
    log.finish({
      finishedAt: run.finishedAt,
      result: parseJson(run.result) as RuntimeResult,
      outcome: parseJson(run.outcome) as Outcome,
    });
    return log;
  }
}
