import type { Socket } from 'node:net';

const waiting = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls back when a connection is gone. One listener does for all that wait on it: a client may send any number of
 * requests ahead of their answers. Returns how to take it back.
 */
export function onConnectionEnd(socket: Socket, callback: () => void): () => void {
  const callbacks = waiting.get(socket) ?? new Set();
  if (!waiting.has(socket)) {
    waiting.set(socket, callbacks);
    socket.once('close', () => {
      for (const call of [...callbacks]) call();
    });
  }
  callbacks.add(callback);
  return () => callbacks.delete(callback);
}
