import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandLine, processesWith, supervisorOf, until } from '../../helpers/processes.ts';
import { type ServerProcess, startServer } from '../../helpers/server-process.ts';
import type { KillOrder } from '../kill-at/order.ts';

const PRELOAD = fileURLToPath(new URL('../kill-at/kill-at.ts', import.meta.url));

/** A data directory whose server and supervisor kill themselves where the test orders it. */
export class WalkedServer {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'runwire-walk-'));
  readonly #order = mkdtempSync(join(tmpdir(), 'runwire-walk-order-'));
  readonly #variables: Record<string, string>;
  #server: ServerProcess | null = null;
  /** pids of those that an order was given to. */
  #doomed: number[] = [];

  constructor(variables: Record<string, string> = {}) {
    this.#variables = {
      RUNWIRE_LOG_LEVEL: 'warn',
      RUNWIRE_DRAIN_SECONDS: '0.2',
      NODE_OPTIONS: `--import ${PRELOAD}`,
      KILL_ORDER: join(this.#order, 'order'),
      ...variables,
    };
    this.spare();
  }

  get url(): string {
    if (this.#server === null) throw new Error('there is no server');
    return this.#server.address;
  }

  get pid(): number {
    return this.#server?.child.pid ?? 0;
  }

  async startUnlessUp(): Promise<void> {
    if (this.#server === null || commandLine(this.pid).length === 0) await this.start();
  }

  async start(): Promise<void> {
    this.#server = await startServer(this.dataDir, this.#variables);
  }

  /** Start where it is ordered to die while it recovers what it finds. */
  async startToDie(order: KillOrder): Promise<void> {
    this.#write(order);
    try {
      await this.start();
      this.#doomed = [this.pid];
      await this.killed();
    } catch (error) {
      // It may die before it listens, without a word.
      if (!(error instanceof Error) || error.message !== '') throw error;
    }
    this.spare();
  }

  /** Nothing of what was written so far is still on its way into the database: what comes next there is of what comes next. */
  async atRest(): Promise<void> {
    const redo = join(this.dataDir, 'runwire.db-redo');
    await until(() => (statSync(redo, { throwIfNoEntry: false })?.size ?? 0) === 0, 'the redo log is empty');
  }

  /** From now on the process whose point it is dies there; `both`: the other one a moment before it. */
  killAt(order: KillOrder, both = false): void {
    const supervisor = supervisorOf(this.dataDir);
    const [doomed, other] = order.point.startsWith('supervisor: ')
      ? [supervisor, this.pid]
      : [this.pid, supervisor];
    this.#doomed = both ? [doomed, other] : [doomed];
    this.#write(both ? { ...order, also: other } : order);
  }

  /** Resolves when the order has been carried out; whoever lives after that dies no more. */
  async killed(): Promise<void> {
    const server = this.#server;
    await until(() => this.#doomed.every((pid) => commandLine(pid).length === 0), 'the point is reached');
    this.spare();
    if (server === null || commandLine(this.pid).length > 0) return;
    this.#server = null;
    const { signal } = await server.stop('SIGKILL'); // it is dead: this only tells how
    if (signal !== 'SIGKILL') throw new Error(`it ended otherwise: ${signal}\n${server.output()}`);
  }

  /** SIGKILL, at no point in particular. */
  async crash(): Promise<void> {
    await this.#server?.stop('SIGKILL');
    this.#server = null;
  }

  terminate(): void {
    this.#server?.child.kill('SIGTERM');
  }

  spare(): void {
    writeFileSync(join(this.#order, 'order'), '');
  }

  post(path: string, body: unknown = {}, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  }

  /** End server, supervisor and files. */
  async end(): Promise<void> {
    this.spare();
    await this.#server?.stop('SIGTERM');
    for (const pid of processesWith(this.dataDir)) process.kill(pid, 'SIGTERM');
    await until(() => processesWith(this.dataDir).length === 0, 'the supervisor has ended');
    rmSync(this.dataDir, { recursive: true, force: true });
    rmSync(this.#order, { recursive: true, force: true });
  }

  #write(order: KillOrder): void {
    writeFileSync(join(this.#order, 'order'), JSON.stringify(order));
  }
}
