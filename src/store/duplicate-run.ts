import { isConstraint } from './storage-failure.ts';

/** The id or the Idempotency-Key is taken by another run. */
export class DuplicateRun extends Error {
  readonly field: 'id' | 'idempotencyKey';
  constructor(field: 'id' | 'idempotencyKey') {
    super(`another run has this ${field}`);
    this.name = 'DuplicateRun';
    this.field = field;
  }
}

/** DuplicateRun where that is what SQLite's error says; else the error itself. */
export function orDuplicate(error: unknown): unknown {
  if (!isConstraint(error)) return error;
  if (error.message.endsWith('runs.idempotency_key')) return new DuplicateRun('idempotencyKey');
  return error.message.endsWith('runs.id') ? new DuplicateRun('id') : error;
}
