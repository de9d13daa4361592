import { RunwireError, toldShortage } from '../documents/errors.ts';
import { storageText } from '../platform/shortage.ts';

const CONSTRAINT = 19;
/** What SQLite says when the storage does not take a write: READONLY, IOERR, FULL, CANTOPEN. */
const STORAGE: Readonly<Record<number, string>> = {
  8: 'the disk of the server is read-only',
  10: 'the disk of the server failed',
  13: 'the disk of the server is full',
  14: 'the disk of the server failed',
};

/** Why the store did not take a write, as clients are told: insufficient_storage or internal_error. */
export function failureOf(error: unknown): RunwireError {
  const told = toldShortage(error);
  if (told instanceof RunwireError) return told;
  const sqlite = errorClass(error);
  const words = sqlite === undefined ? storageText(error) : STORAGE[sqlite];
  return words === undefined
    ? new RunwireError('internal_error', 'The record could not be stored', { cause: error })
    : storageRefusal(words, error);
}

export function storageRefusal(words: string, cause?: unknown): RunwireError {
  return new RunwireError('insufficient_storage', words, { cause, retryAfterSeconds: 10 });
}

/** A write broke a rule of the schema, a unique column for example: the storage is well. */
export function isConstraint(error: unknown): error is Error {
  return errorClass(error) === CONSTRAINT;
}

/** The primary result code of SQLite, or undefined when the error is not SQLite's. */
function errorClass(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined;
}
