/**
 * Loaded before the server or the supervisor (`--import`), so that a test can kill it at an exact point without
 * hooks in the product: methods of its classes and functions of Node are wrapped, and when the point that the order
 * file names is reached for the n-th time, the process kills itself with SIGKILL, in the middle of that statement.
 */
import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import { file } from './order.ts';

const isSupervisor = process.argv[1]?.includes('/supervisor/main.') === true;

/** The supervisor gets a clean environment from the server: this is added to it. */
function inheritInSupervisor(): void {
  const { spawn } = childProcess;
  const inherited = { NODE_OPTIONS: process.env.NODE_OPTIONS, KILL_ORDER: file };
  childProcess.spawn = ((program: string, args: string[], options: childProcess.SpawnOptions) =>
    spawn(program, args, { ...options, env: { ...options.env, ...inherited } })) as typeof spawn;
}

if (file !== '') {
  if (isSupervisor) (await import('./supervisor.ts')).installPoints();
  else {
    inheritInSupervisor();
    await (await import('./server.ts')).installPoints();
  }
  syncBuiltinESMExports();
}
