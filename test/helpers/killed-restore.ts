// A program that restores a tree in its own thread, and kills itself before the Nth call that changes the file system.
// Arguments: JSON of the job, N. It says `staged` when all is staged and `done` with the number of calls at the end.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { resolve } from 'node:path';
import type { RestoreJob } from '../../src/snapshots/jobs.ts';

const [words = '', dataDir = '', killAt = ''] = process.argv.slice(2);
const CHANGES = [
  ...[
    'openSync',
    'mkdirSync',
    'renameSync',
    'rmdirSync',
    'unlinkSync',
    'symlinkSync',
    'chmodSync',
    'fchmodSync',
  ],
  ...['writeSync', 'copyFileSync', 'writeFileSync', 'rmSync'],
] as const;
let calls = 0;
const steps = fs as unknown as Record<string, (...args: unknown[]) => unknown>;
for (const name of CHANGES) {
  const real = steps[name] as (...args: unknown[]) => unknown;
  steps[name] = (...args) => {
    if (++calls === Number(killAt)) process.kill(process.pid, 'SIGKILL');
    return real.apply(fs, args);
  };
}
syncBuiltinESMExports();

const source = resolve(import.meta.dirname, '../../src');
const { Contents } = await import(`${source}/contents/contents.ts`);
const { Control } = await import(`${source}/snapshots/control.ts`);
const { Crew } = await import(`${source}/snapshots/crew.ts`);
const { hireFor } = await import(`${source}/snapshots/tasks.ts`);
const { restore } = await import(`${source}/snapshots/restore.ts`);

const contents = new Contents(dataDir);
const control = new Control();
const crew = new Crew(hireFor(contents), control, (port: MessagePort) => port.close());
const job = {
  ...JSON.parse(words),
  seen: { roots: [], scratch: null, identities: new Map(), files: [] },
} as RestoreJob;
calls = 0;
const say = (word: string): void => void process.stdout.write(`${word}\n`);
await restore(contents, job, crew, async () => say(`staged ${calls}`), control.goOn);
say(`done ${calls}`);
