import type { ServerResponse } from 'node:http';

/** A reader that takes nothing for so long gets its source closed until it takes more. */
const PATIENCE_MS = 1000;

/**
 * Writes buffers to a response as fast as its reader takes them and no faster. Ends with the
 * source or when the signal aborts; the source is always closed (its `return` is called).
 * While the reader takes nothing there is no source, so that what it had read costs no memory:
 * `open` is called again, with the bytes written so far, and goes on from there.
 * Returns the bytes written. Does not end the response.
 */
export async function pump(
  response: ServerResponse,
  open: (written: number) => AsyncIterable<Buffer>,
  signal: AbortSignal,
  patienceMs = PATIENCE_MS,
): Promise<number> {
  let written = 0;
  const ended = async (): Promise<boolean> => {
    for await (const bytes of open(written)) {
      if (signal.aborted) return true;
      written += bytes.length;
      if (!response.write(bytes) && !(await drained(response, signal, patienceMs))) return false;
      if (signal.aborted) return true;
    }
    return true;
  };
  while (!signal.aborted && !(await ended())) await drained(response, signal);
  return written;
}

/** True when the response takes more, and also when it never will; false after `ms`. */
function drained(response: ServerResponse, signal: AbortSignal, ms?: number): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted || !response.writableNeedDrain) return resolve(true);
    const end = (taken: boolean) => {
      clearTimeout(timer);
      response.off('drain', take);
      signal.removeEventListener('abort', take);
      resolve(taken);
    };
    const take = () => end(true);
    const timer = ms === undefined ? undefined : setTimeout(end, ms, false);
    response.once('drain', take);
    signal.addEventListener('abort', take, { once: true });
  });
}
