/**
 * Loaded before the server and its supervisor (`--import`): their wall clock is wrong by as many ms as the file
 * CLOCK_FILE says, at the start and again after each SIGUSR2. The machine's clock stays, and so does the steady one.
 */
import childProcess from 'node:child_process';
import { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { CLOCK_FILE = '', NODE_OPTIONS } = process.env;
const RealDate = Date;
let shift = 0;

const look = (): void => {
  shift = Number(readFileSync(CLOCK_FILE, 'utf8'));
};
const now = (): number => RealDate.now() + shift;

if (CLOCK_FILE !== '') {
  look();
  process.on('SIGUSR2', look);
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, given, newTarget) =>
      Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget),
    apply: () => new RealDate(now()).toString(),
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
  });
  // The supervisor gets a clean environment from the server: this is added to it.
  const { spawn } = childProcess;
  childProcess.spawn = ((program: string, args: string[], options: childProcess.SpawnOptions) =>
    spawn(program, args, {
      ...options,
      env: { ...options.env, NODE_OPTIONS, CLOCK_FILE },
    })) as typeof spawn;
  syncBuiltinESMExports();
}
