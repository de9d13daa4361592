import type { EventEmitter } from 'node:events';
import { once } from 'node:events';

/** A reader that takes nothing for so long gets its source closed until it takes more. */
const PATIENCE_MS = 1000;

/** What bytes are written to: a response, or what is like one. */
export interface Taker extends EventEmitter {
  /** `done`: the system has them, or never will. */
  write(bytes: Buffer, done: (error?: Error | null) => void): unknown;
  destroy(): unknown;
  /** It says `drain` when it takes more. */
  readonly writableNeedDrain: boolean;
}

/**
 * Writes buffers to a response as fast as its reader takes them and no faster. The system has a buffer before the
 * next is asked for, so that the source may use the memory anew. Ends with the
 * source or when the signal aborts; the source is always closed (its `return` is called).
 * While the reader takes nothing there is no source, so that what it had read costs no memory:
 * `open` is called again, with the bytes written so far, and goes on from there.
 * Returns the bytes written. Does not end the response.
 */
export async function pump(
  response: Taker,
  open: (written: number) => AsyncIterable<Buffer>,
  signal: AbortSignal,
  patienceMs = PATIENCE_MS,
): Promise<number> {
  let written = 0;
  const ended = async (): Promise<boolean> => {
    for await (const bytes of open(written)) {
      if (signal.aborted) return true;
      written += bytes.length;
      const outcome = await handedOver(response, bytes, signal, patienceMs);
      if (outcome !== 'done') return outcome === 'gone';
    }
    return true;
  };
  while (!signal.aborted && !(await ended())) await drained(response, signal);
  return written;
}

/** `late`: not after `ms`. `gone`: never. */
type Handover = 'done' | 'late' | 'gone';

/** Does the system have the bytes. */
function handedOver(response: Taker, bytes: Buffer, signal: AbortSignal, ms: number): Promise<Handover> {
  return new Promise((resolve) => {
    const settle = (outcome: Handover): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      resolve(outcome);
    };
    const abort = (): void => settle('gone');
    const timer = setTimeout(settle, ms, 'late');
    signal.addEventListener('abort', abort, { once: true });
    response.write(bytes, (error) => {
      if (error) response.destroy(); // it may hear of it only later that its connection is no more
      settle(error ? 'gone' : 'done');
    });
  });
}

/** Resolves when the response takes more, and also when it never will. */
async function drained(response: Taker, signal: AbortSignal): Promise<void> {
  if (response.writableNeedDrain) await once(response, 'drain', { signal }).catch(() => {}); // the next write tells
}
