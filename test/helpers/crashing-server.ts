import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processesWith, until } from './processes.ts';
import { type ServerProcess, startServer } from './server-process.ts';

/** A data directory whose server can be killed and started again. */
export class CrashingServer {
  readonly dataDir: string;
  readonly #variables: Record<string, string>;
  #server: ServerProcess | null = null;

  /** `place`: where the data directory is made. */
  constructor(variables: Record<string, string> = {}, place = tmpdir()) {
    this.dataDir = mkdtempSync(join(place, 'runwire-crash-'));
    this.#variables = { RUNWIRE_LOG_LEVEL: 'error', RUNWIRE_DRAIN_SECONDS: '0', ...variables };
  }

  async start(variables: Record<string, string> = {}): Promise<void> {
    this.#server = await startServer(this.dataDir, { ...this.#variables, ...variables });
  }

  get url(): string {
    return this.#server?.address ?? '';
  }

  get pid(): number {
    return this.#server?.child.pid ?? 0;
  }

  /** SIGKILL, as a crash is. */
  async crash(): Promise<void> {
    await this.#server?.stop('SIGKILL');
    this.#server = null;
  }

  /** SIGTERM, as an upgrade is. */
  async stop(): Promise<void> {
    await this.#server?.stop('SIGTERM');
    this.#server = null;
  }

  post(path: string, body: unknown = {}): Promise<Response> {
    const headers = { 'content-type': 'application/json' };
    return fetch(`${this.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  }

  /** End server, supervisor and files. */
  async end(): Promise<void> {
    await this.#server?.stop('SIGTERM');
    for (const pid of processesWith(this.dataDir)) process.kill(pid, 'SIGTERM');
    await until(() => processesWith(this.dataDir).length === 0, 'the supervisor has ended');
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
