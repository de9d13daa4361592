import { afterEach, beforeEach, expect } from 'vitest';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import { CrashingServer } from '../helpers/crashing-server.ts';

/** A server that is killed and comes back, and short words for its runs. */
export class RecoveringServer extends CrashingServer {
  /** SIGKILL, and the next one on the same data directory. `away`: ms without a server. */
  async restart(away = 0): Promise<void> {
    await this.crash();
    await new Promise((resolve) => setTimeout(resolve, away));
    await this.start();
  }

  /** POST an invocation; its id. */
  async submit(invocation: Record<string, unknown>): Promise<string> {
    const response = await this.post('/invocations', invocation);
    const body = await response.text();
    expect(response.status, body).toBe(202);
    return (JSON.parse(body) as RunRecord).invocation.invocation_id;
  }

  async record(id: string, wait = 0): Promise<RunRecord> {
    return (await (await fetch(`${this.url}/invocations/${id}?wait=${wait}`)).json()) as RunRecord;
  }

  /** The record of a run that ends. */
  async ended(id: string): Promise<RunRecord> {
    const record = await this.record(id, 50);
    expect(record.result, `${id} has not ended`).not.toBeNull();
    return record;
  }

  async text(path: string): Promise<string> {
    return (await fetch(`${this.url}${path}`)).text();
  }

  /** Wait until the run has written this to stdout. */
  async wrote(id: string, text: string): Promise<void> {
    await expect.poll(() => this.text(`/invocations/${id}/stdout`), { timeout: 50_000 }).toContain(text);
  }

  /** What readyz says of recovery, once nothing is being looked for any more. */
  async recovery(): Promise<{ queued: number; resumed: number; lost: number }> {
    const ask = async () => JSON.parse(await this.text('/readyz')).recovery;
    await expect.poll(async () => (await ask()).still_recovering, { timeout: 50_000 }).toBe(0);
    const { queued, resumed, lost } = await ask();
    return { queued, resumed, lost };
  }
}

/** A new one, started, for each test of a file. */
export function recoveringServer(variables: Record<string, string> = {}): () => RecoveringServer {
  let server: RecoveringServer | null = null;
  beforeEach(async () => {
    server = new RecoveringServer(variables);
    await server.start();
  });
  afterEach(() => server?.end());
  return () => {
    if (!server) throw new Error('a server lives only while a test runs');
    return server;
  };
}
