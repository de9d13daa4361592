import type { DatabaseSync } from 'node:sqlite';
import type { GroupCommit } from './group-commit.ts';
import type { StoreOperation } from './operations.ts';
import { decodeCursor, takePage } from './page-cursor.ts';
import type { NewSession, SessionFacts } from './session-operations.ts';

export type { NewSession, SessionFacts } from './session-operations.ts';
export type StoredSession = NewSession & SessionFacts;

const FIND = `SELECT n, id, fingerprint, input, workspace, created_at AS createdAt, state, unsettled,
  expires_at AS expiresAt, setup, facts FROM sessions`;

/** Records of sessions. Writes are durable when the store's `committed()` says so. */
export class SessionRows {
  readonly #group: Pick<GroupCommit<StoreOperation>, 'write' | 'ready'>;
  readonly #sql;
  #lastN: number;

  constructor(db: DatabaseSync, group: Pick<GroupCommit<StoreOperation>, 'write' | 'ready'>) {
    this.#group = group;
    this.#sql = {
      get: db.prepare(`${FIND} WHERE id = ?`),
      page: db.prepare(`${FIND} WHERE n < ? ORDER BY n DESC LIMIT ?`),
      unsettled: db.prepare(`${FIND} WHERE unsettled = 1 ORDER BY n`),
      open: db.prepare(`${FIND} WHERE state != 'closed'`),
      expired: db.prepare(`${FIND} WHERE expires_at IS NOT NULL AND expires_at <= ? ORDER BY expires_at`),
      ofWorkspace: db.prepare(`${FIND} WHERE workspace = ? AND (state != 'closed' OR unsettled = 1)`),
      ofSetup: db.prepare(`${FIND} WHERE setup = ?`),
      since: db.prepare('SELECT since FROM checkpoints WHERE n = ? AND snapshot = ?'),
    };
    this.#lastN = Number(db.prepare('SELECT max(n) AS n FROM sessions').get()?.n ?? 0);
  }

  /** The caller has looked whether the id is taken. `instead`: of a closed one that is forgotten for it. */
  insert(session: Omit<NewSession, 'n'>, facts: SessionFacts, instead?: number): void {
    const n = this.#lastN + 1;
    const forgotten = instead === undefined ? {} : { instead };
    this.#group.write({ op: 'session', session: { n, ...session }, facts, ...forgotten });
    this.#lastN = n;
  }

  get(id: string): StoredSession | undefined {
    this.#group.ready();
    return storedOf(this.#sql.get.get(id));
  }

  /** False: it is not there any more. */
  change(n: number, facts: SessionFacts): boolean {
    return this.#group.write({ op: 'session-facts', n, facts });
  }

  remove(n: number): boolean {
    return this.#group.write({ op: 'session-removed', n });
  }

  /** A snapshot of it is a checkpoint, compared with the one that is named. */
  addCheckpoint(n: number, snapshot: string, since: string): void {
    this.#group.write({ op: 'checkpoint', n, snapshot, since });
  }

  /** Undefined: it is no checkpoint of this session. */
  sinceOf(n: number, snapshot: string): string | undefined {
    this.#group.ready();
    return this.#sql.since.get(n, snapshot)?.since as string | undefined;
  }

  /** Newest first. Throws RunwireError bad_request for a cursor that is not ours. */
  page({ limit, cursor }: { limit: number; cursor?: string | undefined }): {
    rows: StoredSession[];
    nextCursor: string | null;
  } {
    this.#group.ready();
    const found = this.#sql.page.iterate(decodeCursor(cursor), limit + 1);
    const { rows, nextCursor } = takePage<StoredSession>(found, limit, ({ input, facts }) => [input, facts]);
    return { rows: rows.map((row) => storedOf(row) as StoredSession), nextCursor };
  }

  /** Those of which something was begun that is not done, in order of their making. */
  unsettled(): StoredSession[] {
    this.#group.ready();
    return this.#sql.unsettled.all().map((row) => storedOf(row) as StoredSession);
  }

  /** Those that are not closed. */
  *open(): Generator<StoredSession> {
    this.#group.ready();
    for (const row of this.#sql.open.iterate()) yield storedOf(row) as StoredSession;
  }

  /** Those whose time was over at `now`, ms since the epoch. */
  expired(now: number): StoredSession[] {
    this.#group.ready();
    return this.#sql.expired.all(now).map((row) => storedOf(row) as StoredSession);
  }

  /** The one that has this workspace and is not closed to its end. */
  ofWorkspace(workspace: string): StoredSession | undefined {
    this.#group.ready();
    return storedOf(this.#sql.ofWorkspace.get(workspace));
  }

  /** The one that this run sets up. */
  ofSetup(run: string): StoredSession | undefined {
    this.#group.ready();
    return storedOf(this.#sql.ofSetup.get(run));
  }
}

/** SQLite has no word for yes and no. */
function storedOf(row: object | undefined): StoredSession | undefined {
  if (row === undefined) return undefined;
  const stored = row as Omit<StoredSession, 'unsettled'> & { unsettled: unknown };
  return { ...stored, unsettled: Boolean(stored.unsettled) };
}
