import type { DatabaseSync } from 'node:sqlite';
import type { RedoLog } from './redo-log.ts';
import { failureOf, isConstraint, storageRefusal } from './storage-failure.ts';

/** How long the database waits for more turns, so that pages that many of them touch are written once. */
const CARRY_MS = 200;
/** So many turns, or bytes of them, are carried at once, that no commit holds the event loop for long. */
const CARRY_TURNS = 500;
const CARRY_BYTES = 4 * 1024 * 1024;
/** A database that does not take them is left alone for so long; so many bytes are kept for it, no more. */
const RETRY_MS = 1000;
const MOST_BYTES = 64 * 1024 * 1024;

export interface GroupCommitOptions<Operation> {
  db: DatabaseSync;
  redo: RedoLog;
  /** Does one operation in the open transaction. False: it changed nothing. */
  apply: (operation: Operation) => boolean;
  /** Told when writes of a turn were lost together (disk full, I/O error). */
  onRollback?: ((error: Error) => void) | undefined;
  /** Told when the database does not take what the redo log keeps. Nothing is lost: it is tried again. */
  onDelay?: ((error: Error) => void) | undefined;
  /** Told when the database has taken some turns. */
  onCommit?: (() => void) | undefined;
}

/**
 * Makes the writes of one event-loop turn durable together. They are applied at once to a transaction that stays
 * open, so that every read sees them; at the end of the turn one line of the redo log keeps them; some ms later the
 * transaction is committed for many turns together. A failure other than a broken constraint undoes the whole turn:
 * its writes are lost together, `committed()` rejects, and later writes begin afresh.
 */
export class GroupCommit<Operation> {
  readonly #options: GroupCommitOptions<Operation>;
  readonly #sql;
  /** Of the turn that is not over. */
  #turn: Operation[] = [];
  /** Number of the last turn that is in the database, and of the last one in the redo log. */
  #applied: number;
  #number: number;
  #scheduled: NodeJS.Immediate | undefined;
  #carrying: NodeJS.Timeout | undefined;
  #waiting: PromiseWithResolvers<void> | undefined;
  /** Why the turn that is not over was undone. */
  #failure: Error | undefined;
  /** The database did not take the turns when it was last tried. */
  #delayed = false;

  constructor(options: GroupCommitOptions<Operation>) {
    const { db } = options;
    this.#options = options;
    this.#sql = {
      begin: db.prepare('BEGIN'),
      commit: db.prepare('COMMIT'),
      applied: db.prepare('UPDATE redo SET applied = ?'),
    };
    this.#applied = Number(db.prepare('SELECT applied FROM redo').get()?.applied);
    this.#number = this.#applied;
  }

  /** Before anything else: replay what the redo log has and the database has not, which is seen here also where it cannot be carried yet. Returns what was torn, bytes. */
  replay(): number {
    const { turns, torn } = this.#options.redo.read();
    this.#number = Math.max(this.#applied, turns.at(-1)?.number ?? 0);
    this.ready();
    this.carry();
    this.ready();
    return torn;
  }

  /** Do one operation in the transaction. Rethrows what it throws. False: it changed nothing. */
  write(operation: Operation): boolean {
    if (this.#failure) throw this.#failure;
    if (this.#options.redo.size > MOST_BYTES)
      throw storageRefusal('the database of the server takes no more records');
    this.#begin();
    try {
      if (!this.#options.apply(operation)) return false;
    } catch (error) {
      if (isConstraint(error)) throw error;
      throw this.#undo(error);
    }
    this.#turn.push(operation);
    this.#scheduled ??= setImmediate(() => this.flush());
    return true;
  }

  /** Before anything is read: the database, as it is seen here, has all that the redo log keeps. Throws RunwireError. */
  ready(): void {
    if (this.#number > this.#applied) this.#begin();
  }

  /**
   * Resolves when everything written so far survives a crash of the process (of the machine, with
   * fsync). Rejects with RunwireError insufficient_storage or internal_error when it was lost.
   * To be asked in the turn of the write.
   */
  committed(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#turn.length === 0) return Promise.resolve();
    this.#waiting ??= Promise.withResolvers<void>();
    return this.#waiting.promise;
  }

  /** The turn is over. Failures are reported by `committed()`. */
  flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    this.#failure = undefined;
    if (this.#turn.length === 0) return;
    const { redo } = this.#options;
    try {
      redo.append({ number: this.#number + 1, operations: this.#turn });
    } catch (error) {
      this.#undo(error);
      this.#failure = undefined;
      return;
    }
    this.#number++;
    this.#turn = [];
    this.#waiting?.resolve();
    this.#waiting = undefined;
    if (!this.#delayed && (this.#number - this.#applied >= CARRY_TURNS || redo.size > CARRY_BYTES))
      this.carry();
    else this.#carrying ??= setTimeout(() => this.carry(), CARRY_MS);
  }

  /** Bring into the database what the redo log keeps. A failure loses nothing: it is tried again. */
  carry(): void {
    this.flush();
    clearTimeout(this.#carrying);
    this.#carrying = undefined;
    this.#delayed = false;
    try {
      if (this.#number > this.#applied) {
        this.#begin();
        this.#sql.applied.run(this.#number);
        this.#sql.commit.run();
        this.#applied = this.#number;
        this.#options.onCommit?.();
      }
      // Also what a crash left here between the commit and this line.
      this.#options.redo.clear();
    } catch (error) {
      this.#rollBack();
      this.#delayed = true;
      this.#options.onDelay?.(failureOf(error));
      this.#carrying = setTimeout(() => this.carry(), RETRY_MS);
    }
  }

  /** Carry what is left; the redo log keeps what the database does not take, for the next start. */
  close(): void {
    this.carry();
    clearTimeout(this.#carrying);
    this.#rollBack();
  }

  #begin(): void {
    const { db, redo, apply } = this.#options;
    if (db.isTransaction) return;
    try {
      this.#sql.begin.run();
      if (this.#number === this.#applied) return;
      for (const { number, operations } of redo.read().turns)
        if (number > this.#applied) for (const operation of operations) apply(operation as Operation);
    } catch (error) {
      this.#rollBack();
      throw failureOf(error);
    }
  }

  /** The turn is lost as a whole. */
  #undo(error: unknown): Error {
    const failure = failureOf(error);
    this.#turn = [];
    this.#failure = failure;
    this.#waiting?.reject(failure);
    this.#waiting = undefined;
    this.#rollBack();
    this.#options.onRollback?.(failure);
    return failure;
  }

  #rollBack(): void {
    if (this.#options.db.isTransaction) this.#options.db.exec('ROLLBACK');
  }
}
