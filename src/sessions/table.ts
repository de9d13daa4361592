import { RunwireError } from '../documents/errors.ts';
import type { InvocationStore } from '../store/invocation-store.ts';
import { type Changes, changed, type KeptSession, readRow, type SessionRow } from './session-facts.ts';

const KEPT = 100;

/** Sessions as they are stored. */
export class SessionTable {
  /** What does not change of those that were asked for last: it may be long, and each run asks for it. */
  readonly #kept = new Map<number, KeptSession>();
  readonly #store: Pick<InvocationStore, 'sessions'>;

  constructor(store: Pick<InvocationStore, 'sessions'>) {
    this.#store = store;
  }

  /** Undefined: there is none, or never was one. */
  find(id: string): SessionRow | undefined {
    const row = this.peek(id);
    return row?.progress.refused ? undefined : row;
  }

  /** Also one whose making was refused, until nothing is left of it. */
  peek(id: string): SessionRow | undefined {
    const stored = this.#store.sessions.get(id);
    if (stored === undefined) return undefined;
    const row = readRow(stored, this.#kept.get(stored.n));
    this.#kept.delete(row.n);
    this.#kept.set(row.n, row.kept);
    for (const n of this.#kept.keys()) {
      if (this.#kept.size <= KEPT) break;
      this.#kept.delete(n);
    }
    return row;
  }

  /** Throws session_not_found. */
  get(id: string): SessionRow {
    const row = this.find(id);
    if (row) return row;
    throw new RunwireError('session_not_found', `There is no session ${id}.`);
  }

  /** The same of one that may be used. Throws session_failed, session_closed too. */
  open(id: string): SessionRow {
    const row = this.get(id);
    const { reason } = row.progress;
    if (row.state === 'closed')
      throw new RunwireError('session_closed', `The session ${id} is closed: ${reason}.`);
    if (row.state === 'failed')
      throw new RunwireError('session_failed', `The session ${id} cannot be used: ${reason}`);
    return row;
  }

  /** What it is by now changes, in this turn of the event loop. False: it is not there, or no longer so (`when`). */
  change(
    id: string,
    changes: Changes | ((row: SessionRow) => Changes),
    when: (row: SessionRow) => boolean = () => true,
  ): boolean {
    const row = this.peek(id);
    if (row === undefined || !when(row)) return false;
    const meant = typeof changes === 'function' ? changes(row) : changes;
    return this.#store.sessions.change(row.n, changed(row, meant));
  }
}

export function busy(id: string, why: string): RunwireError {
  return new RunwireError('session_busy', `The session ${id} ${why}.`, { retryAfterSeconds: 1 });
}
