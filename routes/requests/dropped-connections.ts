import type { Server } from 'node:http';

const SAID_AGAIN_MS = 60_000;

/**
 * A connection over the limit is closed without an answer, so that its client cannot know why. `say` is told how many were
 * so far, and how many may be open; once a minute at most.
 */
export function onDropped(server: Server, say: (facts: { dropped: number; open: number }) => void): void {
  let said = Number.NEGATIVE_INFINITY;
  let dropped = 0;
  server.on('drop', () => {
    dropped++;
    const now = performance.now();
    if (now - said < SAID_AGAIN_MS) return;
    said = now;
    say({ dropped, open: server.maxConnections });
  });
}
