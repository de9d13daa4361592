import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { supervisorOf } from '../../helpers/processes.ts';
import { launchServer } from '../../helpers/server-process.ts';
import type { Random } from './random.ts';

export interface SoakServerOptions {
  dataDir: string;
  port: number;
  variables: Record<string, string>;
}

/** A real server that is killed and comes back, always at the same address and on the same data directory. */
export class SoakServer {
  readonly #options: SoakServerOptions;
  #process: ReturnType<typeof launchServer>;
  #said = '';
  /** When each was killed, ms since the epoch. */
  readonly kills = { server: [] as number[], starting: 0, supervisor: [] as number[], both: 0 };
  starts = 0;

  constructor(options: SoakServerOptions) {
    this.#options = options;
    this.#process = this.#launch();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#options.port}`;
  }

  /** All that every one of them printed. */
  get said(): string {
    return this.#said + this.#process.output();
  }

  async listens(): Promise<void> {
    await this.#process.listening;
  }

  /** SIGKILL. */
  async killServer(): Promise<void> {
    this.kills.server.push(Date.now());
    await this.#process.stop('SIGKILL');
    this.#said += this.#process.output();
  }

  /** SIGKILL, where there is one. */
  killSupervisor(): void {
    try {
      const pid = supervisorOf(this.#options.dataDir);
      this.kills.supervisor.push(Date.now());
      process.kill(pid, 'SIGKILL');
    } catch {
      // none lives just now
    }
  }

  /** Start it again, `attempts` times in vain: it is killed while it starts. */
  async restart(random: Random, attempts: number): Promise<void> {
    this.#process = this.#launch();
    const starting = this.#process.listening.then(
      () => {},
      () => {}, // killed while it started
    );
    if (attempts === 0) return this.listens();
    await sleep(random.size(30, 600));
    this.kills.starting++;
    await this.killServer();
    await starting;
    await this.restart(random, attempts - 1);
  }

  async stop(): Promise<void> {
    await this.#process.stop('SIGTERM');
  }

  #launch(): ReturnType<typeof launchServer> {
    this.starts++;
    const { dataDir, port, variables } = this.#options;
    const launched = launchServer(dataDir, { RUNWIRE_PORT: String(port), ...variables });
    launched.listening.catch(() => {}); // who waits for it is told
    return launched;
  }
}

/** Kill the server, the supervisor or both at random moments until the signal aborts; then the server lives. */
export async function chaos(server: SoakServer, random: Random, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(random.size(300, 3500), undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const what = random.weighted([
      ['server', 7],
      ['supervisor', 1],
      ['both', 1],
    ]);
    const serverFirst = random.chance(0.5);
    if (what === 'supervisor' || (what === 'both' && !serverFirst)) server.killSupervisor();
    if (what === 'supervisor') continue;
    await server.killServer();
    if (what === 'both') server.kills.both++;
    if (what === 'both' && serverFirst) server.killSupervisor();
    if (random.chance(0.5)) await sleep(random.size(1, 700));
    await server.restart(random, random.chance(0.15) ? 1 : 0);
  }
}

/** A port below those that the system gives away, so that it stays free while no server listens. */
export async function steadyPort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const probe = createServer();
    const free = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!free) continue;
    await new Promise((closed) => probe.close(closed));
    return port;
  }
}
