import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { ChurnMap } from '../../src/platform/churn-map.ts';
import { sendQueues } from './send-queues.ts';

/**
 * After so long a silence the system asks the other side whether it still is there, and so often again, without an
 * answer, before it gives the connection up. Sooner where clients get less patience; whole seconds.
 */
const PROBE_AFTER_MS = 60_000;
const PROBE_EVERY_MS = 15_000;
const PROBES = 4;
const SHORTEST_PROBE_MS = 1000;

/** How often connections are looked at: so many times in the patience they get, at least this often. */
const LOOKS = 8;
const LONGEST_LOOK_MS = 15_000;

export interface StalledClientsOptions {
  /** A client that takes nothing of what waits for it for so long is dropped. */
  patienceMs: number;
  onDrop(): void;
  /** Connections could not be looked at this time. */
  onError(error: unknown): void;
}

/** How far a client has come. */
interface Client {
  socket: Socket;
  /** Bytes that its system has acknowledged, when it was last looked at. */
  taken: number;
  /** Since when that is so while there is more to take; null: it had everything. Monotonic, ms. */
  since: number | null;
}

/**
 * Drops clients that take nothing of what waits to be sent to them, and has the system find out those that are gone
 * without a word (TCP keep-alive). A client that reads slowly, and one for which there is nothing to read, stay.
 * Returns how it stops.
 */
export function dropStalledClients(server: Server, options: StalledClientsOptions): () => void {
  const { patienceMs, onDrop, onError } = options;
  const clients = new ChurnMap<number, Client>();
  let count = 0;
  const probeAfterMs = Math.max(Math.min(PROBE_AFTER_MS, patienceMs), SHORTEST_PROBE_MS);
  const probeEveryMs = Math.max(Math.min(PROBE_EVERY_MS, patienceMs / PROBES), SHORTEST_PROBE_MS);
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const look = async (): Promise<void> => {
    const behind = [...clients.values()].filter((client) => {
      const all = client.socket.bytesWritten === client.taken;
      if (all) client.since = null;
      return !all;
    });
    const address = server.address();
    if (behind.length === 0 || address === null || typeof address === 'string') return;
    const queues = await sendQueues(address.port);
    const now = performance.now();
    for (const client of behind) {
      const { socket } = client;
      const waiting = socket.writableLength + (queues.get(socket.remotePort ?? 0) ?? 0);
      const taken = socket.bytesWritten - waiting;
      if (taken !== client.taken) Object.assign(client, { taken, since: now });
      client.since ??= now;
      if (waiting === 0 || now - client.since < patienceMs || socket.destroyed) continue;
      onDrop();
      socket.resetAndDestroy(); // an orderly end would leave the bytes with the system until the client reads them
    }
  };
  const arm = (): void => {
    if (stopped) return;
    const ms = Math.min(patienceMs / LOOKS, LONGEST_LOOK_MS);
    timer = setTimeout(() => look().catch(onError).finally(arm), ms).unref();
  };

  server.on('connection', (socket: Socket) => {
    socket.setKeepAlive(true, probeAfterMs, probeEveryMs, PROBES);
    const n = ++count;
    clients.set(n, { socket, taken: 0, since: null });
    socket.once('close', () => clients.delete(n));
  });
  server.once('listening', arm);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
