import type { DatabaseSync } from 'node:sqlite';
import type { StoreOperation } from './operations.ts';
import { SPEC_OF_RUN, type StoredRun } from './run-list.ts';

/** What a later server must know of a run that has not ended. */
export type UnfinishedRun = Pick<
  StoredRun,
  | ('id' | 'createdAt' | 'startedAt' | 'fingerprint' | 'idempotencyKey' | 'invocation' | 'directory')
  | 'environmentSpec'
> & {
  traceparent: string | null;
  tracestate: string | null;
  baggage: string | null;
  /** The machine restarted since it was running. */
  rebooted: boolean;
  /** Why it is to stop, as JSON; null when nobody asked. */
  abort: string | null;
};

/** Runs without a final status, as an earlier server left them. */
export class UnfinishedRuns {
  readonly #sql;
  /** Interrupted by a restart of the machine, also where that is not written yet. */
  #interrupted: ReadonlySet<number> = new Set();

  constructor(db: DatabaseSync) {
    this.#sql = {
      boot: db.prepare('SELECT id FROM boot'),
      running: db.prepare("SELECT n FROM runs WHERE status = 'running'"),
      all: db.prepare("SELECT n FROM runs WHERE status IN ('pending', 'running') ORDER BY n"),
      run: db.prepare(`SELECT r.id, r.created_at AS createdAt, r.started_at AS startedAt, r.fingerprint,
        r.idempotency_key AS idempotencyKey, i.invocation, a.reason AS abort, t.traceparent,
        l.tracestate, l.baggage,
        coalesce(x.name, r.id) AS directory, ${SPEC_OF_RUN},
        EXISTS (SELECT 1 FROM rebooted b WHERE b.n = r.n) AS rebooted
        FROM runs r JOIN invocations i ON i.n = r.n LEFT JOIN aborts a ON a.n = r.n
        LEFT JOIN traces t ON t.n = r.n LEFT JOIN trace_lists l ON l.n = r.n LEFT JOIN directories x ON x.n = r.n WHERE r.n = ?`),
    };
  }

  /** In order of acceptance; each is read when it is come to. */
  *each(): Generator<UnfinishedRun> {
    for (const row of this.#sql.all.all()) {
      const n = row.n as number;
      const run = this.#sql.run.get(n) as unknown as UnfinishedRun;
      yield { ...run, rebooted: Boolean(run.rebooted) || this.#interrupted.has(n) };
    }
  }

  /** What is to be written of the machine's present boot; null when it is the one that is known. */
  boot(boot: string): StoreOperation | null {
    const known = this.#sql.boot.get()?.id;
    if (known === boot) return null;
    const interrupted = known === undefined ? [] : this.#sql.running.all().map(({ n }) => n as number);
    this.#interrupted = new Set(interrupted);
    return { op: 'boot', boot, interrupted };
  }
}
