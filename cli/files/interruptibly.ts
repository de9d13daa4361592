import { endBy, onInterrupt } from '../process/interrupts.ts';
import { Progress } from '../process/progress.ts';
import { removeUnfinished } from './landing.ts';

/** Receives, with its line on the terminal; whoever interrupts it leaves no half file. */
export async function interruptibly(act: (progress: Progress) => Promise<void>): Promise<void> {
  const progress = new Progress('receiving');
  const stop = onInterrupt((_count, signal) => {
    removeUnfinished();
    progress.end();
    endBy(signal);
  });
  try {
    await act(progress);
  } finally {
    removeUnfinished(); // what goes on beside something that failed
    progress.end();
    stop();
  }
}

export async function* counted(
  bytes: AsyncIterable<Uint8Array>,
  progress: Progress,
): AsyncGenerator<Uint8Array> {
  for await (const part of bytes) {
    progress.count(part.length);
    yield part;
  }
}
