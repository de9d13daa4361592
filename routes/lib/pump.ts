import type { ServerResponse } from 'node:http';

/**
 * Writes buffers to a response as fast as its reader takes them and no faster. Ends with the
 * source or when the signal aborts; the source is always closed (its `return` is called).
 * Returns the bytes written. Does not end the response.
 */
export async function pump(
  response: ServerResponse,
  source: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<number> {
  let written = 0;
  if (signal.aborted) return written;
  for await (const bytes of source) {
    if (signal.aborted) break;
    written += bytes.length;
    if (!response.write(bytes)) await drained(response, signal);
    if (signal.aborted) break;
  }
  return written;
}

/** Settles when the response takes more, and also when it never will. */
function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted || !response.writableNeedDrain) return resolve();
    const done = () => {
      response.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    response.once('drain', done);
    signal.addEventListener('abort', done, { once: true });
  });
}
