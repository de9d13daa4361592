import { createReadStream } from 'node:fs';
import type { Duplex } from 'node:stream';
import type { RunContext, RunControls } from '../../src/contract/context.ts';
import { RunwireError } from '../../src/documents/errors.ts';
import type { DockerDaemon } from './daemon.ts';
import { type Exec, execCode, listenTo, startExec } from './exec.ts';
import { feedWords, KEEPER_CODES } from './keeper/words.ts';

const ACK = 8;
const PIECE = 64 * 1024;

interface Fed {
  daemon: DockerDaemon;
  container: string;
  user: string;
  directory: string;
  /** It is fed while the program runs, by others. */
  isOpen: boolean;
  /** Its end is typed, and more may come after it. */
  isTerminal: boolean;
}

/** Standard input of a program in a kept container: on a connection of its own, and whose end is no end of the input. */
export class KeptInput {
  readonly #fed: Fed;
  readonly #started = Promise.withResolvers<void>();
  #feed: Feed | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #over = false;
  #ended = false;

  constructor(fed: Fed) {
    this.#fed = fed;
    this.#started.promise.catch(() => {}); // told to whoever writes
  }

  /** The program runs. */
  started(): void {
    this.#started.resolve();
  }

  /** It has ended: nothing is taken any more. */
  close(): void {
    this.#over = true;
    this.#started.reject(refusal());
    this.#feed?.destroy();
  }

  controls(): RunControls {
    if (!this.#fed.isOpen) return {};
    return {
      writeStdin: (bytes) => this.#inTurn(() => this.#write(bytes)),
      closeStdin: () => this.#inTurn(() => this.#end()).catch(() => {}), // the program, or its end, was faster
    };
  }

  /** All that the invocation gives, and its end. Resolves when the program has, or takes no more. */
  async give({ invocation: { options }, inputPath }: Pick<RunContext, 'invocation' | 'inputPath'>) {
    try {
      await this.#started.promise;
      if (options.stdin !== undefined) await this.#write(Buffer.from(options.stdin));
      else if (inputPath !== null)
        for await (const chunk of createReadStream(inputPath, { highWaterMark: PIECE }))
          await this.#write(chunk as Buffer);
      await this.#end();
    } catch (error) {
      if (!(error instanceof RunwireError)) await this.#end().catch(() => {});
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #write(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; at += PIECE)
      await (await this.#connected()).write(bytes.subarray(at, at + PIECE));
  }

  async #end(): Promise<void> {
    if (this.#ended) return;
    await (await this.#connected()).end();
    this.#ended = !this.#fed.isTerminal;
  }

  async #connected(): Promise<Feed> {
    await this.#started.promise;
    if (this.#over || this.#ended) throw refusal();
    if (this.#feed === null || this.#feed.isOver) {
      const { daemon, container, user, directory } = this.#fed;
      this.#feed = new Feed(daemon, await startExec(daemon, { container, user, argv: feedWords(directory) }));
      if (this.#over) this.#feed.destroy();
    }
    return this.#feed;
  }
}

/** One who feeds. */
class Feed {
  readonly #daemon: DockerDaemon;
  readonly #exec: Exec;
  readonly #socket: Duplex;
  #sent = 0;
  #taken = 0;
  #rest: Buffer = Buffer.alloc(0);
  #wake: (() => void) | null = null;
  isOver = false;

  constructor(daemon: DockerDaemon, exec: Exec) {
    this.#daemon = daemon;
    this.#exec = exec;
    this.#socket = exec.socket;
    void listenTo(exec, (stream, bytes) => {
      if (stream === 'stdout') this.#take(bytes);
    }).then(() => {
      this.isOver = true;
      this.#wake?.();
    });
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Resolves when the program's end of the pipe has it. */
  async write(bytes: Buffer): Promise<void> {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(bytes.length);
    this.#sent += bytes.length;
    this.#socket.write(Buffer.concat([head, bytes]));
    while (this.#taken < this.#sent) {
      if (this.isOver) throw await this.#refusal();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async end(): Promise<void> {
    this.#socket.write(Buffer.alloc(4));
    while (!this.isOver)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    const code = await execCode(this.#daemon, this.#exec.id).catch(() => null);
    if (code !== 0) throw await this.#refusal();
  }

  #take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= ACK) {
      this.#taken = Number(this.#rest.readBigUInt64LE(0));
      this.#rest = this.#rest.subarray(ACK);
    }
    this.#wake?.();
  }

  async #refusal(): Promise<RunwireError> {
    const code = await execCode(this.#daemon, this.#exec.id).catch(() => null);
    return code === KEEPER_CODES.closed || code === KEEPER_CODES.keeperDied
      ? refusal()
      : new RunwireError('stdin_closed', 'the way to it broke off: how much was taken is not known');
  }
}

function refusal(): RunwireError {
  return new RunwireError('stdin_closed', 'the program takes no more input');
}
