import type { Asked } from './asked.ts';
import type { Connection } from './connection.ts';
import { ConflictError, ConnectionError, ProtocolError, type RunwireError } from './errors.ts';
import type { Record } from './openapi.ts';
import { Patience } from './patience.ts';
import { pause } from './pause.ts';
import { openSocket } from './socket.ts';

export interface TerminalSize {
  cols: number;
  rows: number;
}

/** The run has finished: how, and how many bytes its terminal has shown. */
export interface TerminalEnd {
  offset: number;
  status: Record['status'];
  exit_code: number | null;
}

/** `gap`: bytes that were shown and are not kept. `error`: what was asked could not be done, as a problem says it. */
export type TerminalNotice =
  | { type: 'gap'; offset: number; length: number; reason: string }
  | { type: 'error'; code: string; detail: string };

export interface TerminalOptions extends Asked {
  /** Bytes that are known already. Default 0. */
  offset?: number | undefined;
  onNotice?: ((notice: TerminalNotice) => void) | undefined;
}

/** So many bytes wait for who reads them before the connection is left until they are read. */
const MOST_WAITING = 4 * 1024 * 1024;
/** Of one message that is sent, and of what may wait to be sent. */
const PIECE = 256 * 1024;
/** Closed for what was sent, or since the server cannot go on: it would be so again. RFC 6455, 7.4.1. */
const FINAL_CODES = [1002, 1003, 1007, 1008, 1009, 1011];

/**
 * The terminal of a run (`options.terminal`): what it shows, from its first byte on, to who iterates; and what is typed. The
 * connection is made again when it breaks, and goes on where it was; what was typed into one that broke is not typed again.
 */
export class Terminal implements AsyncIterable<Uint8Array>, Disposable {
  /** When the run has finished. Rejects where the terminal cannot be had, or was left. */
  readonly ended: Promise<TerminalEnd>;
  readonly #connection: Connection;
  readonly #path: string;
  readonly #left = new AbortController();
  readonly #onNotice: (notice: TerminalNotice) => void;
  #offset: number;
  #size: TerminalSize | null = null;
  #shown: Uint8Array[] = [];
  #waiting = 0;
  #over = false;
  #changed = Promise.withResolvers<void>();
  #socket = Promise.withResolvers<WebSocket>();
  #end: TerminalEnd | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(connection: Connection, path: string, { offset = 0, signal, onNotice }: TerminalOptions) {
    this.#connection = connection;
    this.#path = path;
    this.#offset = offset;
    this.#onNotice = onNotice ?? (() => {});
    signal?.addEventListener('abort', () => this.#left.abort(signal.reason), { once: true });
    if (signal?.aborted) this.#left.abort(signal.reason);
    this.#socket.promise.catch(() => {}); // it is told to who types
    this.ended = this.#stay().finally(() => {
      this.#over = true;
      this.#change();
    });
    this.ended.catch((error) => this.#socket.reject(error)); // and to who iterates
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      const { promise } = this.#changed;
      const part = this.#shown.shift();
      if (part) {
        this.#waiting -= part.length;
        if (this.#waiting === 0) this.#change();
        yield part;
      } else if (this.#over) {
        if (!this.#left.signal.aborted) await this.ended;
        return;
      } else await promise;
    }
  }

  /** Types. Resolves when it is on its way: nobody says whether it came where the connection breaks then. */
  type(keys: string | Uint8Array): Promise<void> {
    const bytes = typeof keys === 'string' ? new TextEncoder().encode(keys) : keys;
    return this.#inTurn(async () => {
      for (let at = 0; at < bytes.length; at += PIECE) await this.#send(bytes.slice(at, at + PIECE));
    });
  }

  /** It has this size from now on, also after the connection was made again. */
  resize({ cols, rows }: TerminalSize): void {
    this.#size = { cols, rows };
    void this.#say({ type: 'resize', cols, rows }).catch(() => {}); // it is said again with the next connection
  }

  /** No more comes: Ctrl-D, in its place behind what was typed. */
  eof(): Promise<void> {
    return this.#inTurn(() => this.#say({ type: 'eof' }));
  }

  /** To the process group of the program: `SIGINT`. */
  signal(name: string): Promise<void> {
    return this.#say({ type: 'signal', signal: name });
  }

  /** Leaves it; the run goes on. */
  close(): void {
    this.#left.abort();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #stay(): Promise<TerminalEnd> {
    const { signal } = this.#left;
    const patience = new Patience(this.#connection.settings.resumeSeconds, signal);
    for (;;) {
      signal.throwIfAborted();
      try {
        await this.#connected(patience);
        if (this.#end) return this.#end;
        while (this.#waiting > 0 && !signal.aborted) await this.#changed.promise;
      } catch (error) {
        signal.throwIfAborted();
        await patience.after(error);
      }
    }
  }

  /** One connection. Resolves when the run has finished, or more has come than is read; rejects when it broke off. */
  #connected(patience: Patience): Promise<void> {
    const { url, token } = this.#connection.settings;
    const query = this.#offset > 0 ? `?offset=${this.#offset}` : '';
    const socket = openSocket(`${url.replace(/^http/, 'ws')}${this.#path}${query}`, token);
    const leave = (): void => socket.close(1000);
    this.#left.signal.addEventListener('abort', leave, { once: true });
    return new Promise<void>((resolve, reject) => {
      let isOpen = false;
      socket.onopen = () => {
        isOpen = true;
        patience.renew();
        if (this.#size) socket.send(JSON.stringify({ type: 'resize', ...this.#size }));
        this.#socket.resolve(socket);
      };
      socket.onmessage = ({ data }) => {
        if (this.#waiting > MOST_WAITING) return; // it comes again
        if (typeof data === 'string') this.#told(JSON.parse(data));
        else this.#show(new Uint8Array(data as ArrayBuffer));
        if (this.#waiting > MOST_WAITING) socket.close(1000);
      };
      socket.onclose = ({ code, reason }) => {
        this.#left.signal.removeEventListener('abort', leave);
        if (isOpen) this.#lose();
        if (this.#end || this.#waiting > MOST_WAITING) resolve();
        else if (!isOpen) void this.#why().then(reject);
        else if (FINAL_CODES.includes(code))
          reject(new ProtocolError(reason || `closed with ${code}`, { code: 'terminal_closed' }));
        else reject(lost('the connection to the terminal broke off'));
      };
    });
  }

  /** A WebSocket that does not come about says nothing of it: the same is asked as a request. */
  async #why(): Promise<unknown> {
    const query = this.#offset > 0 ? { offset: this.#offset } : {};
    try {
      await this.#connection.json({ path: this.#path, query, retrySeconds: 0, signal: this.#left.signal });
    } catch (error) {
      if ((error as RunwireError).code !== 'upgrade_required') return error;
    }
    return lost('no WebSocket comes through to the server, which is there');
  }

  #told(notice: TerminalNotice | ({ type: 'end' } & TerminalEnd)): void {
    if (notice.type !== 'end') return this.#onNotice(notice);
    const { offset, status, exit_code } = notice;
    this.#end = { offset, status, exit_code };
  }

  #show(part: Uint8Array): void {
    this.#shown.push(part);
    this.#waiting += part.length;
    this.#offset += part.length;
    this.#change();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #lose(): void {
    this.#socket = Promise.withResolvers();
    this.#socket.promise.catch(() => {});
    if (this.#end) this.#socket.reject(new ConflictError('the run has finished', { code: 'not_running' }));
  }

  async #send(data: Uint8Array<ArrayBuffer> | string): Promise<void> {
    const socket = await this.#socket.promise;
    socket.send(data);
    while (socket.bufferedAmount > PIECE && socket.readyState === socket.OPEN) await pause(5);
  }

  #say(order: object): Promise<void> {
    return this.#send(JSON.stringify(order));
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(act);
    this.#turn = done.catch(() => {}); // it is told to who asked
    return done;
  }
}

const lost = (words: string): ConnectionError => new ConnectionError(words, { code: 'connection_lost' });
