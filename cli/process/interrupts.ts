import { spinner } from './spinner.ts';

/** Ctrl-C comes from the terminal and once more from npm, which passes it on: within this it is one. */
const SAME_SIGNAL_MS = 250;

/** Calls back with 1, 2, 3 … at each Ctrl-C or SIGTERM. Returns how it ends. */
export function onInterrupt(act: (count: number, signal: NodeJS.Signals) => void): () => void {
  let count = 0;
  let last = Number.NEGATIVE_INFINITY;
  const heard = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (now - last < SAME_SIGNAL_MS) return;
    last = now;
    act(++count, signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, heard);
  return () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, heard);
  };
}

/** Ends this process as the signal ends one that knows nothing of it: whatever it still waits for, and told to who waits for it. */
export function endBy(signal: NodeJS.Signals): void {
  spinner.end();
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
