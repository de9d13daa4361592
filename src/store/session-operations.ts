import type { DatabaseSync } from 'node:sqlite';
import type { SessionState } from '../documents/session.ts';

/** What stays of a session as it was made. Times are ms since the epoch. */
export interface NewSession {
  n: number;
  id: string;
  /** SHA-256 of what was sent; null: the server made the id, so that it cannot be sent again. */
  fingerprint: string | null;
  /** JSON of what all its runs get. */
  input: string;
  workspace: string;
  createdAt: number;
}

/** What changes of it. */
export interface SessionFacts {
  state: SessionState;
  /** Something was begun, which a later server goes on with. */
  unsettled: boolean;
  /** Of an open one: when it is closed; of a closed one: when it is forgotten. Null: never. */
  expiresAt: number | null;
  /** Id of the run that sets it up, in this generation. */
  setup: string;
  /** JSON of the rest. */
  facts: string;
}

/** Writes about sessions, as the redo log keeps them: see operations.ts. */
export type SessionOperation =
  | { op: 'session'; session: NewSession; facts: SessionFacts; instead?: number }
  | { op: 'session-facts'; n: number; facts: SessionFacts }
  | { op: 'session-removed'; n: number }
  | { op: 'checkpoint'; n: number; snapshot: string; since: string };

const OPERATIONS: ReadonlySet<string> = new Set<SessionOperation['op']>([
  'session',
  'session-facts',
  'session-removed',
  'checkpoint',
]);

export function isSessionOperation(operation: { op: string }): operation is SessionOperation {
  return OPERATIONS.has(operation.op);
}

/** How they are done. False: it changed nothing. Throws what SQLite throws. */
export function sessionOperations(db: DatabaseSync): (operation: SessionOperation) => boolean {
  const sql = (text: string) => db.prepare(text);
  const insert = sql('INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const update = sql(`UPDATE sessions SET state = ?, unsettled = ?, expires_at = ?, setup = ?, facts = ?
    WHERE n = ?`);
  const remove = sql('DELETE FROM sessions WHERE n = ?');
  const insertCheckpoint = sql('INSERT INTO checkpoints VALUES (?, ?, ?)');
  const removeCheckpoints = sql('DELETE FROM checkpoints WHERE n = ?');
  const removeAll = (n: number): boolean => {
    removeCheckpoints.run(n);
    return remove.run(n).changes === 1;
  };

  return (operation) => {
    switch (operation.op) {
      case 'session': {
        if (operation.instead !== undefined) removeAll(operation.instead);
        const { n, id, fingerprint, input, workspace, createdAt } = operation.session;
        insert.run(n, id, fingerprint, input, workspace, createdAt, ...columnsOf(operation.facts));
        return true;
      }
      case 'session-facts':
        return update.run(...columnsOf(operation.facts), operation.n).changes === 1;
      case 'session-removed':
        return removeAll(operation.n);
      case 'checkpoint':
        insertCheckpoint.run(operation.n, operation.snapshot, operation.since);
        return true;
    }
  };
}

function columnsOf({ state, unsettled, expiresAt, setup, facts }: SessionFacts) {
  return [state, unsettled ? 1 : 0, expiresAt, setup, facts] as const;
}
