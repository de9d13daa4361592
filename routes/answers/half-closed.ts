import type { ServerResponse } from 'node:http';

/** Soon after the first try, to hear what came back on it; then as often as a stream is kept alive. */
const AGAIN_MS = 200;
const EVERY_MS = 15_000;

/**
 * Calls back once when the client has closed its side of the connection before it has its answer. That may be one
 * that has said all it has to say and waits, or one that has gone: on the wire they are the same. Returns how to take
 * it back.
 */
export function onHalfClosed({ socket }: ServerResponse, callback: () => void): () => void {
  if (socket?.readableEnded) callback();
  else socket?.once('end', callback);
  return () => socket?.off('end', callback);
}

/**
 * Finds out which: a client that has gone answers bytes with a reset, which the next write meets. The response is
 * closed then.
 */
export function tryClient(response: ServerResponse, write: () => void): void {
  const attempt = (): void => {
    if (!response.writableNeedDrain) write();
  };
  attempt();
  const soon = setTimeout(attempt, AGAIN_MS);
  const often = setInterval(attempt, EVERY_MS);
  response.once('close', () => {
    clearTimeout(soon);
    clearInterval(often);
  });
}

/** An answer that says nothing yet (RFC 9110, 15.2); HTTP/1.0 knows none. */
export function writeInterim(response: ServerResponse): void {
  if (!response.headersSent && response.req.httpVersion !== '1.0') response.writeContinue();
}
