import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Status } from '../documents/result.ts';
import { rowInRxpWords } from './earlier-words.ts';
import { decodeCursor, takePage } from './page-cursor.ts';

/** A run as it is stored. Times are ms since the epoch; documents are JSON text. */
export interface StoredRun {
  /** Order of acceptance. */
  n: number;
  id: string;
  status: Status;
  /** The canonical kind; the document has the word that was sent. */
  runtimeKind: string;
  runtimeName: string;
  createdAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  outputBytes: number | null;
  fingerprint: string | null;
  idempotencyKey: string | null;
  invocation: string;
  result: string | null;
  outcome: string | null;
  /** Name of its directory. */
  directory: string;
  /** A Delivery without its secret: see documents/delivery.ts. */
  delivery: string | null;
  /** JSON of what it was made with: see documents/record.ts. */
  environmentSpec: string | null;
}

/** Of the run r. */
export const SPEC_OF_RUN = `(SELECT json_object('name', u.name, 'version', u.version, 'digest', u.digest)
  FROM run_specs u WHERE u.n = r.n) AS environmentSpec`;

/** The columns of a StoredRun; a WHERE clause follows. */
export const FIND = `SELECT r.n, r.id, r.status, r.runtime_kind AS runtimeKind, r.runtime_name AS runtimeName,
  r.created_at AS createdAt, r.started_at AS startedAt, r.finished_at AS finishedAt,
  r.output_bytes AS outputBytes, r.fingerprint, r.idempotency_key AS idempotencyKey,
  i.invocation, o.result, o.outcome, d.delivery, coalesce(x.name, r.id) AS directory,
  ${SPEC_OF_RUN}
  FROM runs r JOIN invocations i ON i.n = r.n LEFT JOIN results o ON o.n = r.n LEFT JOIN deliveries d ON d.n = r.n
  LEFT JOIN directories x ON x.n = r.n`;

export interface StoreFilter {
  status?: Status | undefined;
  runtimeKind?: string | undefined;
  runtimeName?: string | undefined;
  limit: number;
  cursor?: string | undefined;
}

/** A value with so many runs counts as common; more are not counted. */
const COMMON = 1000;

type Wanted = readonly [column: string, value: string];

/** Pages of runs, newest first, by any combination of filters. */
export class RunList {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** Up to `limit` of them, fewer where their documents are long. */
  page(filter: StoreFilter): { rows: StoredRun[]; nextCursor: string | null } {
    const before = decodeCursor(filter.cursor);
    const wanted = this.#rarestFirst([
      ['runtime_name', filter.runtimeName],
      ['runtime_kind', filter.runtimeKind],
      ['status', filter.status],
    ]);
    const values = wanted.map(([, value]) => value);
    const select = this.#statement(pageOf(wanted.map(([column]) => column)));
    const found = select.iterate(...values, before, filter.limit + 1);
    const page = takePage<StoredRun>(found, filter.limit, (row) => [row.invocation, row.result, row.outcome]);
    for (const row of page.rows) rowInRxpWords(row);
    return page;
  }

  /** SQLite knows nothing of how common a value is, and a wrong choice of index reads every run. */
  #rarestFirst(filters: (readonly [string, string | undefined])[]): Wanted[] {
    const wanted = filters.filter((filter): filter is Wanted => filter[1] !== undefined);
    if (wanted.length < 2) return wanted;
    return wanted
      .map((filter) => ({ filter, runs: this.#count(filter) }))
      .sort((a, b) => a.runs - b.runs)
      .map(({ filter }) => filter);
  }

  #count([column, value]: Wanted): number {
    const count = this.#statement(
      `SELECT count(*) AS runs FROM (SELECT 1 FROM runs WHERE ${column} = ? LIMIT ${COMMON})`,
    );
    return Number(count.get(value)?.runs);
  }

  #statement(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#db.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }
}

/** The index of the first column is used: a unary plus hides the others' from the planner. */
function pageOf(columns: string[]): string {
  const where = columns.map((column, at) => `${at === 0 ? '' : '+'}${column} = ? AND `).join('');
  return `${FIND} WHERE r.n IN (SELECT n FROM runs WHERE ${where} n < ? ORDER BY n DESC LIMIT ?) ORDER BY r.n DESC`;
}
