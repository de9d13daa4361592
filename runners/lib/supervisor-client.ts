import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunwireError } from '../../src/errors.ts';
import type { Kill } from '../../src/outcome.ts';
import { connectSupervisor, type LaunchOptions } from '../../src/supervisor/launch.ts';
import { lineSplitter } from '../../src/supervisor/lines.ts';
import {
  type Captures,
  type ExitFacts,
  type FromSupervisor,
  PROTOCOL_VERSION,
  type SpawnFailure,
  type SpawnRequest,
  type ToSupervisor,
} from '../../src/supervisor/protocol.ts';

/** What became of a program whose supervisor died. */
export interface LostFacts {
  captures: Captures;
  end: number;
  nextSeq: number;
  /** What was done to end what was left of it. */
  kill: Kill;
}

/** What the supervisor tells of one run. Exactly one of exited, failed, lost and absent is called, last. */
export interface ProgramListener {
  started?(pid: number): void;
  grew(end: number): void;
  active(): void;
  exited(facts: ExitFacts, end: number): void;
  failed(failure: SpawnFailure, captures: Captures | null, nextSeq: number): void;
  /** The supervisor died and took its knowledge along; null when none could be started to look. */
  lost(facts: LostFacts | null): void;
  /** No supervisor ever began with the run. */
  absent(): void;
}

interface Handed {
  directory: string;
  firstSeq: number;
  /** ms since the epoch */
  startedAt: number;
  listener: ProgramListener;
}

/** A supervisor that accepts a connection and then says nothing is hung. */
const WELCOME_TIMEOUT_MS = 10_000;
const CONNECT_ATTEMPTS = 5;
const CONNECT_PAUSE_MS = 20;

class ConnectionClosed extends Error {}

type Send = (message: ToSupervisor) => void;

/** The server's side of the supervisor: one connection, made again when the supervisor has died. */
export class SupervisorClient {
  readonly #launch: LaunchOptions;
  readonly #runs = new Map<string, Handed>();
  readonly #replies = new Map<number, (error: string | null) => void>();
  #connecting: Promise<Send> | null = null;
  #send: Send | null = null;
  #socket: Socket | null = null;
  #n = 0;
  #closing = false;

  constructor(launch: LaunchOptions) {
    this.#launch = launch;
  }

  /** Reach the supervisor, starting it when needed. */
  async connect(): Promise<void> {
    await this.#connection();
  }

  /** Rejects when there is no supervisor and none can be started. */
  async spawn(request: SpawnRequest, startedAt: number, listener: ProgramListener): Promise<void> {
    const send = this.#send ?? (await this.#connection());
    const { run, directory, first_seq: firstSeq } = request;
    this.#runs.set(run, { directory, firstSeq, startedAt, listener });
    send(request);
  }

  /** Carry on with a run of an earlier server: the listener is told what the supervisor, or its files, know. */
  async adopt(run: string, handed: Handed): Promise<void> {
    const send = this.#send ?? (await this.#connection());
    this.#runs.set(run, handed);
    const { directory, firstSeq: first_seq, startedAt: started_at } = handed;
    send({ op: 'adopt', run, directory, first_seq, started_at });
  }

  stop(run: string, graceMs: number): void {
    this.#send?.({ op: 'stop', run, grace_ms: graceMs });
  }

  /** The result of the run is stored. */
  forget(run: string): void {
    this.#runs.delete(run);
    this.#send?.({ op: 'forget', run });
  }

  /** Rejects with RunwireError stdin_closed when the program takes no more input. */
  writeStdin(run: string, bytes: Buffer): Promise<void> {
    return this.#ask('stdin_closed', (n) => ({ op: 'stdin', run, n, base64: bytes.toString('base64') }));
  }

  closeStdin(run: string): Promise<void> {
    return this.#ask('stdin_closed', (n) => ({ op: 'stdin', run, n, eof: true }));
  }

  /** Rejects with RunwireError not_running when the program has ended. */
  signal(run: string, signal: string): Promise<void> {
    return this.#ask('not_running', (n) => ({ op: 'signal', run, n, signal }));
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

  async #ask(refused: 'stdin_closed' | 'not_running', message: (n: number) => ToSupervisor): Promise<void> {
    const send = this.#send;
    if (!send) throw new RunwireError('not_running', 'the supervisor of the program is gone');
    await new Promise<void>((resolve, reject) => {
      const n = ++this.#n;
      this.#replies.set(n, (error) =>
        error === null ? resolve() : reject(new RunwireError(refused, error)),
      );
      send(message(n));
    });
  }

  #connection(): Promise<Send> {
    this.#connecting ??= this.#reach().catch((error) => {
      this.#connecting = null;
      throw error;
    });
    return this.#connecting;
  }

  /** A supervisor in the act of dying may still accept a connection that it will not answer. */
  async #reach(): Promise<Send> {
    for (let attempt = 1; ; attempt++)
      try {
        return await this.#open();
      } catch (error) {
        if (!(error instanceof ConnectionClosed) || attempt === CONNECT_ATTEMPTS) throw error;
        await sleep(attempt * CONNECT_PAUSE_MS);
      }
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
        if (message.version === PROTOCOL_VERSION) welcomed.resolve();
        else
          welcomed.reject(
            new Error(`the supervisor speaks protocol ${message.version}, not ${PROTOCOL_VERSION}`),
          );
      }),
    );
    socket.on('error', () => {});
    socket.on('close', () => {
      welcomed.reject(new ConnectionClosed('the supervisor closed the connection'));
      if (this.#socket === socket) void this.#lost();
    });
    const hung = setTimeout(
      () => welcomed.reject(new Error('the supervisor does not answer')),
      WELCOME_TIMEOUT_MS,
    );
    send({ op: 'hello', version: PROTOCOL_VERSION });
    try {
      await welcomed.promise;
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      clearTimeout(hung);
    }
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
    const listener = this.#runs.get(message.run)?.listener;
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
      case 'lost': {
        const { captures, end, next_seq: nextSeq, kill } = message;
        return listener.lost({ captures, end, nextSeq, kill });
      }
      case 'absent':
        return listener.absent();
      case 'unreadable':
        return listener.lost(null);
    }
  }

  /** A supervisor that died is replaced, and the new one looks what became of the runs. */
  async #lost(): Promise<void> {
    this.#send = null;
    this.#socket = null;
    this.#connecting = null;
    for (const reply of this.#replies.values()) reply('the supervisor is gone');
    this.#replies.clear();
    if (this.#closing || this.#runs.size === 0) return;
    const runs = [...this.#runs];
    try {
      await this.#connection();
      for (const [run, handed] of runs) if (this.#runs.get(run) === handed) await this.adopt(run, handed);
    } catch {
      for (const [run, { listener }] of runs) if (this.#runs.delete(run)) listener.lost(null);
    }
  }
}
