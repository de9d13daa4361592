import { type ErrorCode, type FieldError, RunwireError, toldShortage } from '../documents/errors.ts';
import { NoDirectory } from '../files/walk.ts';
import { codeOf, messageOf } from '../platform/error-words.ts';

/** An error on its way from one thread to another, plain data. */
export interface Carried {
  type: 'runwire' | 'no_directory' | 'other';
  name: string;
  message: string;
  /** What the system calls it, or our own word. */
  code: string | undefined;
  stack: string | undefined;
  errors: FieldError[] | undefined;
  retryAfterSeconds: number | undefined;
}

export function carried(error: unknown): Carried {
  const told = toldShortage(error);
  const isOurs = told instanceof RunwireError;
  return {
    type: isOurs ? 'runwire' : told instanceof NoDirectory ? 'no_directory' : 'other',
    name: told instanceof Error ? told.name : 'Error',
    message: messageOf(told),
    code: codeOf(told),
    stack: told instanceof Error ? told.stack : undefined,
    errors: isOurs ? told.errors : undefined,
    retryAfterSeconds: isOurs ? told.retryAfterSeconds : undefined,
  };
}

/** The same error on the other side. */
export function thrown({ type, name, message, code, stack, errors, retryAfterSeconds }: Carried): Error {
  if (type === 'runwire')
    return new RunwireError(code as ErrorCode, message, {
      ...(errors && { errors }),
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    });
  const error = type === 'no_directory' ? new NoDirectory(message) : new Error(message);
  if (type === 'other') error.name = name;
  if (stack !== undefined) error.stack = stack;
  return code === undefined ? error : Object.assign(error, { code });
}
