import type { DatabaseSync } from 'node:sqlite';
import { RunwireError } from './errors.ts';

const SQLITE_FULL = 13;
const SQLITE_CONSTRAINT = 19;

/**
 * One transaction for all writes of an event-loop turn: the first write begins it, and it is committed
 * when the turn's I/O callbacks have run. A failure other than a broken constraint rolls the whole turn
 * back: all its writes are lost together, `committed()` rejects, and later writes begin afresh.
 */
export class GroupCommit {
  readonly #db: DatabaseSync;
  readonly #begin;
  readonly #commit;
  readonly #onRollback: (error: Error) => void;
  readonly #onCommit: () => void;
  #open = false;
  #scheduled: NodeJS.Immediate | undefined;
  #waiting: PromiseWithResolvers<void> | undefined;
  /** Why the turn that is not over yet was rolled back. */
  #failure: Error | undefined;

  constructor(
    db: DatabaseSync,
    onRollback: (error: Error) => void = () => {},
    onCommit: () => void = () => {},
  ) {
    this.#db = db;
    this.#begin = db.prepare('BEGIN');
    this.#commit = db.prepare('COMMIT');
    this.#onRollback = onRollback;
    this.#onCommit = onCommit;
  }

  /** Run statements inside the turn's transaction. Rethrows what they throw. */
  write<T>(statements: () => T): T {
    if (this.#failure) throw this.#failure;
    if (!this.#open) {
      this.#begin.run();
      this.#open = true;
      this.#scheduled ??= setImmediate(() => this.flush());
    }
    try {
      return statements();
    } catch (error) {
      if (errorClass(error) === SQLITE_CONSTRAINT) throw error;
      throw this.#rollBack(error);
    }
  }

  /**
   * Resolves when everything written so far survives a crash of the process (of the machine, with
   * fsync). Rejects with RunwireError insufficient_storage or internal_error when it was rolled back.
   * To be asked in the turn of the write.
   */
  committed(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (!this.#open) return Promise.resolve();
    this.#waiting ??= Promise.withResolvers<void>();
    return this.#waiting.promise;
  }

  /** Commit now what is open. Failures are reported by `committed()`. */
  flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    this.#failure = undefined;
    if (!this.#open) return;
    try {
      this.#commit.run();
    } catch (error) {
      this.#rollBack(error);
      this.#failure = undefined;
      return;
    }
    this.#open = false;
    this.#waiting?.resolve();
    this.#waiting = undefined;
    this.#onCommit();
  }

  #rollBack(error: unknown): Error {
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
    this.#open = false;
    const failure =
      errorClass(error) === SQLITE_FULL
        ? new RunwireError('insufficient_storage', 'The disk of the server is full', { cause: error })
        : new RunwireError('internal_error', 'The record could not be stored', { cause: error });
    this.#failure = failure;
    this.#waiting?.reject(failure);
    this.#waiting = undefined;
    this.#onRollback(failure);
    return failure;
  }
}

/** The primary result code of SQLite, or undefined when the error is not SQLite's. */
export function errorClass(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined;
}
