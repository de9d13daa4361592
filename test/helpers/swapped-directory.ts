import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A program that has a link to `outside` in the place of the directory `path`, now and then, without end. */
const SWAPPER = `
  const fs = require('node:fs');
  const [path, outside] = process.argv.slice(1);
  const quiet = (work) => { try { work(); } catch {} };
  const turn = (at) => { const until = performance.now() + (at % 7) * 0.02; while (performance.now() < until); };
  console.log('swaps');
  for (let at = 0; ; at++) {
    quiet(() => { fs.renameSync(path, path + '.gone'); fs.symlinkSync(outside, path); });
    turn(at);
    quiet(() => fs.unlinkSync(path));
    // One that somebody made meanwhile would be in the way.
    quiet(() => fs.rmSync(path, { recursive: true }));
    quiet(() => fs.renameSync(path + '.gone', path));
    turn(at * 3);
  }`;

export async function swapForLinks(path: string, outside: string): Promise<AsyncDisposable> {
  const swapper = spawn(process.execPath, ['-e', SWAPPER, path, outside]);
  const ended = once(swapper, 'exit');
  await once(swapper.stdout, 'data');
  return {
    async [Symbol.asyncDispose]() {
      swapper.kill('SIGKILL');
      await ended;
    },
  };
}
