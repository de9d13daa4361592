import { AccessError, ConnectionError, RunwireError } from '../../client/runwire.ts';
import { EXIT } from './exit-codes.ts';

/** Ends the command with this line on stderr. */
export class Failure extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.undone) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The lines, and the exit code, of whatever was thrown. What is nobody's fault but ours is thrown on. */
export function failureOf(error: unknown, url: string): { lines: string[]; exitCode: number } {
  if (error instanceof Failure) return { lines: [error.message], exitCode: error.exitCode };
  if (error instanceof ConnectionError) {
    const why = error.cause instanceof Error ? error.message : `the server is not reached: ${error.message}`;
    return { lines: [`${url}: ${why}`], exitCode: EXIT.undone };
  }
  if (error instanceof RunwireError) {
    const hint = error instanceof AccessError && error.status === 401 ? ' (RUNWIRE_TOKEN, --token)' : '';
    const fields = error.errors.filter(({ path, message }) => !error.message.includes(`${path}: ${message}`));
    return {
      lines: [
        `${error.message}${hint} [${error.code}]`,
        ...fields.map(({ path, message }) => `  ${path}: ${message}`),
      ],
      exitCode: EXIT.undone,
    };
  }
  const { code, syscall } = error as NodeJS.ErrnoException;
  // A file here: it is not there, may not be read, does not fit.
  if (error instanceof Error && code !== undefined && syscall !== undefined)
    return { lines: [error.message], exitCode: EXIT.undone };
  throw error;
}
