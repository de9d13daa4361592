import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { RunwireError } from '../../src/documents/errors.ts';
import { fieldErrors } from '../../src/documents/field-errors.ts';
import { isFinal } from '../../src/documents/result.ts';
import { type TerminalNotice, TerminalOrder } from '../../src/documents/terminal-messages.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { parseJson } from '../../src/platform/json-parse.ts';
import type { Upgrade } from '../requests/upgrades.ts';
import { joinedOutput } from './joined-output.ts';
import { pump } from './pump.ts';
import { bytesOf, CLOSE, SocketTaker } from './sockets.ts';

/** What may have come and not been taken by the program before nothing more is read of the socket. Bytes. */
const MOST_TYPED_BYTES = 64 * 1024;
/** So much is typed at once. */
const PIECE_BYTES = 64 * 1024;
/** A run that has not begun yet, or is just ending, is asked again. */
const AGAIN_MS = 50;
/** Of a close frame, with its code: RFC 6455, 5.5. */
const MOST_REASON_BYTES = 123;

export interface TerminalParts {
  engine: Engine;
  id: string;
  socket: WebSocket;
  upgrade: Upgrade;
  /** Bytes that the client has. */
  from: number;
}

/** Shows a client the terminal of a run, and has it type. Settles when the socket is closed; never rejects. */
export async function attend({ engine, id, socket, upgrade, from }: TerminalParts): Promise<void> {
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  const { signal } = gone;
  const say = (notice: TerminalNotice): void => {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(notice));
  };
  obey(socket, new Typing(engine, id, socket, say));
  const log = engine.log(id);
  const output = joinedOutput(log, 'command', true, from);
  try {
    void tellGaps(log.read({ after: 0, follow: true, signal }), from, say).catch(() => {}); // who reads the output meets it too
    const written = await pump(new SocketTaker(socket, upgrade), () => output(signal), signal);
    if (signal.aborted) return;
    const { status, result } = engine.record(id);
    say({ type: 'end', offset: from + written, status, exit_code: result?.exit_code ?? null });
    socket.close(CLOSE.done, 'the run has finished');
  } catch {
    socket.close(CLOSE.failed, 'the output of the run cannot be read');
  }
  if (!signal.aborted) await new Promise((resolve) => socket.once('close', resolve));
}

type Say = (notice: TerminalNotice) => void;

async function tellGaps(batches: ReturnType<ReturnType<Engine['log']>['read']>, from: number, say: Say) {
  for await (const batch of batches)
    for (const { entry } of batch) {
      if (entry.type !== 'gap' || entry.stream !== 'stdout' || entry.phase === 'setup') continue;
      const { offset, length, reason } = entry;
      if (offset + length > from) say({ type: 'gap', offset, length, reason });
    }
}

/** What is typed, in order, and no faster than the program takes it. */
class Typing {
  readonly #engine: Engine;
  readonly #id: string;
  readonly #socket: WebSocket;
  readonly #say: Say;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(engine: Engine, id: string, socket: WebSocket, say: Say) {
    this.#engine = engine;
    this.#id = id;
    this.#socket = socket;
    this.#say = say;
  }

  type(bytes: Buffer): void {
    this.#waiting += bytes.length;
    if (this.#waiting > MOST_TYPED_BYTES) this.#socket.pause();
    void this.#after(async () => {
      for (let at = 0; at < bytes.length; at += PIECE_BYTES)
        await this.#try(() => this.#engine.writeStdin(this.#id, bytes.subarray(at, at + PIECE_BYTES)));
    }).finally(() => {
      this.#waiting -= bytes.length;
      if (this.#waiting <= MOST_TYPED_BYTES) this.#socket.resume();
    });
  }

  end(): void {
    void this.#after(() => this.#try(() => this.#engine.closeStdin(this.#id)));
  }

  /** Not in turn: who types too much for the program may still do the other things. */
  now(order: (engine: Engine, id: string) => Promise<void>): void {
    void this.#try(() => order(this.#engine, this.#id)).catch((error) => this.#tell(error));
  }

  #after(work: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(work).catch((error) => this.#tell(error));
    return this.#last;
  }

  /** What comes before the run has begun waits for it; what comes when it is over is nothing to complain of. */
  async #try(work: () => Promise<void>): Promise<void> {
    for (;;)
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof RunwireError)) throw error;
        if (this.#socket.readyState !== this.#socket.OPEN || this.#isOver()) return;
        if (error.code === 'stdin_closed') return;
        if (error.code !== 'not_running') throw error;
        await sleep(AGAIN_MS);
      }
  }

  #isOver(): boolean {
    try {
      return isFinal(this.#engine.status(this.#id));
    } catch {
      return true; // it was removed
    }
  }

  #tell(error: unknown): void {
    const { code, message } =
      error instanceof RunwireError ? error : { code: 'internal_error', message: 'The server failed.' };
    this.#say({ type: 'error', code, detail: message });
  }
}

function obey(socket: WebSocket, typing: Typing): void {
  socket.on('message', (data, isBinary) => {
    if (socket.readyState !== socket.OPEN) return;
    if (isBinary) return typing.type(bytesOf(data));
    const order = orderOf(bytesOf(data).toString('utf8'));
    if ('code' in order) return socket.close(order.code, order.reason);
    switch (order.type) {
      case 'resize':
        return typing.now((engine, id) => engine.resize(id, { cols: order.cols, rows: order.rows }));
      case 'signal':
        return typing.now((engine, id) => engine.signal(id, order.signal));
      case 'eof':
        return typing.end();
    }
  });
}

function orderOf(text: string): TerminalOrder | { code: number; reason: string } {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    return { code: CLOSE.notText, reason: 'a text frame must be JSON: bytes are typed in binary frames' };
  }
  const order = TerminalOrder.safeParse(value);
  if (order.success) return order.data;
  const words = fieldErrors(order.error, [])
    .map(({ path, message }) => (path === '' ? message : `${path} ${message}`))
    .join('; ');
  return { code: CLOSE.refused, reason: cut(words) };
}

function cut(words: string): string {
  let reason = words;
  while (Buffer.byteLength(reason) > MOST_REASON_BYTES) reason = reason.slice(0, -1);
  return reason;
}
