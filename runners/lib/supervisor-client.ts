import type { Socket } from 'node:net';
import { connectSupervisor, type LaunchOptions } from '../../src/supervisor/launch.ts';
import { lineSplitter } from '../../src/supervisor/lines.ts';
import {
  type Captures,
  type ExitFacts,
  type FromSupervisor,
  type KnownRun,
  PROTOCOL_VERSION,
  type SpawnFailure,
  type SpawnRequest,
  type ToSupervisor,
} from '../../src/supervisor/protocol.ts';

/** What the supervisor tells of one run. Exactly one of exited, failed and lost is called, last. */
export interface ProgramListener {
  started?(pid: number): void;
  grew(end: number): void;
  active(): void;
  exited(facts: ExitFacts, end: number): void;
  failed(failure: SpawnFailure, captures: Captures | null, nextSeq: number): void;
  /** The supervisor is gone and took its knowledge along. */
  lost(): void;
}

type Send = (message: ToSupervisor) => void;

/** The server's side of the supervisor: one connection, made again when the supervisor has died. */
export class SupervisorClient {
  readonly #launch: LaunchOptions;
  readonly #listeners = new Map<string, ProgramListener>();
  readonly #replies = new Map<number, (error: string | null) => void>();
  #connecting: Promise<Send> | null = null;
  #send: Send | null = null;
  #socket: Socket | null = null;
  #n = 0;
  #closing = false;
  /** Runs that the supervisor had when it was reached. */
  #known: KnownRun[] = [];

  constructor(launch: LaunchOptions) {
    this.#launch = launch;
  }

  /** Reach the supervisor, starting it when needed. Returns the runs it has. */
  async connect(): Promise<KnownRun[]> {
    await this.#connection();
    return this.#known;
  }

  async spawn(request: SpawnRequest, listener: ProgramListener): Promise<void> {
    const send = this.#send ?? (await this.#connection());
    this.#listeners.set(request.run, listener);
    send(request);
  }

  stop(run: string, graceMs: number): void {
    this.#send?.({ op: 'stop', run, grace_ms: graceMs });
  }

  /** The result of the run is stored. */
  forget(run: string): void {
    this.#listeners.delete(run);
    this.#send?.({ op: 'forget', run });
  }

  /** Rejects with words when the program takes no more input. */
  writeStdin(run: string, bytes: Buffer): Promise<void> {
    return this.#ask((n) => ({ op: 'stdin', run, n, base64: bytes.toString('base64') }));
  }

  closeStdin(run: string): Promise<void> {
    return this.#ask((n) => ({ op: 'stdin', run, n, eof: true }));
  }

  signal(run: string, signal: string): Promise<void> {
    return this.#ask((n) => ({ op: 'signal', run, n, signal }));
  }

  /** Leave the supervisor: it ends every program and itself (quit), or carries on (leave). */
  async close(how: 'quit' | 'leave'): Promise<void> {
    this.#closing = true;
    const socket = this.#socket;
    if (!socket) return;
    const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    if (how === 'quit') this.#send?.({ op: 'quit' });
    else socket.end();
    await gone;
  }

  #ask(message: (n: number) => ToSupervisor): Promise<void> {
    const send = this.#send;
    if (!send) return Promise.reject(new Error('the supervisor is not connected'));
    return new Promise((resolve, reject) => {
      const n = ++this.#n;
      this.#replies.set(n, (error) => (error === null ? resolve() : reject(new Error(error))));
      send(message(n));
    });
  }

  #connection(): Promise<Send> {
    this.#connecting ??= this.#open().catch((error) => {
      this.#connecting = null;
      throw error;
    });
    return this.#connecting;
  }

  async #open(): Promise<Send> {
    const socket = await connectSupervisor(this.#launch);
    const send: Send = (message) => void socket.write(`${JSON.stringify(message)}\n`);
    const welcomed = Promise.withResolvers<void>();
    socket.on(
      'data',
      lineSplitter((line) => {
        const message = JSON.parse(line) as FromSupervisor;
        if (message.op !== 'welcome') return this.#receive(message);
        this.#known = message.runs;
        if (message.version === PROTOCOL_VERSION) welcomed.resolve();
        else
          welcomed.reject(
            new Error(`the supervisor speaks protocol ${message.version}, not ${PROTOCOL_VERSION}`),
          );
      }),
    );
    socket.on('error', () => {});
    socket.on('close', () => {
      welcomed.reject(new Error('the supervisor closed the connection'));
      this.#lost();
    });
    send({ op: 'hello', version: PROTOCOL_VERSION });
    await welcomed.promise;
    this.#socket = socket;
    this.#send = send;
    return send;
  }

  #receive(message: Exclude<FromSupervisor, { op: 'welcome' }>): void {
    if (message.op === 'reply') {
      this.#replies.get(message.n)?.(message.error);
      this.#replies.delete(message.n);
      return;
    }
    const listener = this.#listeners.get(message.run);
    if (!listener) return;
    switch (message.op) {
      case 'started':
        return listener.started?.(message.pid);
      case 'grew':
        return listener.grew(message.end);
      case 'active':
        return listener.active();
      case 'exit':
        return listener.exited(message.facts, message.end);
      case 'failed':
        return listener.failed(message.failure, message.captures, message.next_seq);
    }
  }

  #lost(): void {
    this.#send = null;
    this.#socket = null;
    this.#connecting = null;
    for (const reply of this.#replies.values()) reply('the supervisor is gone');
    this.#replies.clear();
    if (this.#closing) return;
    const listeners = [...this.#listeners.values()];
    this.#listeners.clear();
    for (const listener of listeners) listener.lost();
  }
}
