import { readFile } from 'node:fs/promises';
import { codeOf } from '../../src/platform/error-words.ts';

/** IPv4 and IPv6 connections of this network namespace. */
const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];

/**
 * Bytes that the system holds for each client of a port of this machine, by the client's port: sent and not
 * acknowledged, or not sent yet. Connections of several hosts with the same port are added up. Empty where the system
 * does not tell (it does on Linux).
 */
export async function sendQueues(localPort: number): Promise<ReadonlyMap<number, number>> {
  const queues = new Map<number, number>();
  const port = `:${localPort.toString(16).toUpperCase().padStart(4, '0')} `;
  for (const table of TABLES)
    for (const line of (await textOf(table)).split('\n')) {
      if (!line.includes(port)) continue;
      const [, local, remote, , bytes] = line.trim().split(/\s+/);
      if (local === undefined || remote === undefined || !`${local} `.endsWith(port)) continue;
      const client = Number.parseInt(remote.slice(remote.indexOf(':') + 1), 16);
      const queued = Number.parseInt(bytes ?? '', 16);
      if (queued > 0) queues.set(client, (queues.get(client) ?? 0) + queued);
    }
  return queues;
}

async function textOf(table: string): Promise<string> {
  try {
    return await readFile(table, 'latin1');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return '';
    throw error;
  }
}
