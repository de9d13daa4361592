import { getSystemErrorMessage, getSystemErrorName } from 'node:util';
import { SystemError } from './posix.ts';
import { SpawnError } from './spawner.ts';

/** Of a number of errno. */
export function spawnErrorOf(errno: number): SpawnError {
  return new SpawnError(getSystemErrorName(-errno), getSystemErrorMessage(-errno));
}

/** Of a system call that failed; other errors as they are. */
export function systemSpawnError(error: unknown): unknown {
  return error instanceof SystemError ? spawnErrorOf(error.errno) : error;
}
