import { constants as files } from 'node:fs';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import { ReadStream } from 'node:tty';
import type { TerminalSize } from '../../documents/terminal.ts';
import { type Ends, PIPE_BYTES, shared, silent } from './ends.ts';
import * as fileActions from './file-actions.ts';
import { pipeInput } from './pipes.ts';
import * as posix from './posix.ts';
import { endOfInput, openPty, type Pty, resizePty } from './pty.ts';
import type { InputSink, OutputSource } from './spawner.ts';
import { systemSpawnError } from './system-spawn-error.ts';

/**
 * All three descriptors are one terminal. The program leads a session of its own when it opens it (posix_spawn makes the
 * session before it does anything with descriptors), so that it becomes its controlling terminal. Throws SpawnError.
 */
export function terminalEnds(size: TerminalSize): Ends {
  const pty = openEnds(size);
  return {
    connect() {
      fileActions.open(0, pty.path, files.O_RDWR);
      fileActions.dup2(0, 1);
      fileActions.dup2(0, 2);
    },
    started() {
      const terminal = new Terminal(pty);
      return {
        stdout: terminal,
        stderr: silent,
        stdin: terminal.input,
        terminal: { resize: (to) => terminal.resize(to) },
        leaderGone: () => terminal.letGo(),
      };
    },
    failed() {
      for (const fd of [pty.master, pty.slave, pty.held]) posix.close(fd);
    },
  };
}

interface HeldPty extends Pty {
  /** The same as `master`: it is read when the stream over that has come to its end. */
  held: number;
}

function openEnds(size: TerminalSize): HeldPty {
  try {
    const pty = openPty(size);
    try {
      return { ...pty, held: posix.duplicate(pty.master) };
    } catch (error) {
      for (const fd of [pty.master, pty.slave]) posix.close(fd);
      throw error;
    }
  } catch (error) {
    throw systemSpawnError(error);
  }
}

/** Our end of it. */
class Terminal implements OutputSource {
  readonly #held: number;
  readonly input: InputSink;
  readonly #stream: Socket;
  #slave: number | null;
  #ended = false;
  #closed = false;
  #follower: { onChunk: (chunk: Buffer) => void; onEnd: () => void } | null = null;

  constructor({ master, slave, held }: HeldPty) {
    this.#held = held;
    this.#slave = slave;
    this.#stream = this.#open(master);
    this.input = terminalInput(this.#stream, held);
  }

  resize(size: TerminalSize): void {
    if (this.#closed) throw new Error('the terminal is closed');
    resizePty(this.#held, size);
  }

  /** From now on it ends when nobody has it open. */
  letGo(): void {
    if (this.#slave !== null) posix.close(this.#slave);
    this.#slave = null;
  }

  drain(onChunk: (chunk: Buffer) => void): boolean {
    for (let left = PIPE_BYTES; !this.#ended && left > 0; ) {
      const got = readTerminal(this.#held);
      if (got < 0) return false;
      if (got === 0) this.#ended = true;
      else onChunk(shared.subarray(0, got));
      left -= got;
    }
    return this.#ended;
  }

  follow(onChunk: (chunk: Buffer) => void, onEnd: () => void): void {
    if (this.drain(onChunk)) return onEnd();
    this.#follower = { onChunk, onEnd };
    this.#stream.resume();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ended = true;
    this.letGo();
    this.#stream.destroy();
    posix.close(this.#held);
  }

  #open(master: number): Socket {
    const callback = (bytes: number): boolean => {
      this.#follower?.onChunk(shared.subarray(0, bytes));
      return true;
    };
    // Node's types have no options here: they are those of a Socket.
    const stream: Socket = Reflect.construct(ReadStream, [master, { onread: { buffer: shared, callback } }]);
    stream.once('end', () => this.#streamEnded());
    stream.on('error', () => this.#streamEnded());
    return stream;
  }

  /** A terminal that nobody has open any more is an error (EIO), and libuv may tell of it before all is read. */
  #streamEnded(): void {
    const { onChunk, onEnd } = this.#follower ?? {};
    this.#follower = null;
    if (onChunk) this.drain(onChunk);
    this.#ended = true;
    onEnd?.();
  }
}

/** As of a pipe; the end is an error of a terminal. */
function readTerminal(fd: number): number {
  try {
    return posix.readNow(fd, shared);
  } catch (error) {
    if (error instanceof posix.SystemError && error.errno === constants.errno.EIO) return 0;
    throw error;
  }
}

/** What is typed. Its end is a character as well, and more may come after it. */
function terminalInput(stream: Socket, fd: number): InputSink {
  const { write, close } = pipeInput(stream);
  let lastByte: number | null = null;
  const type = (bytes: Buffer): Promise<void> => {
    lastByte = bytes.at(-1) ?? lastByte;
    return write(bytes);
  };
  return {
    write: type,
    end: () => void type(endOfInput(fd, lastByte)).catch(() => {}), // it has ended, as it was to
    close,
  };
}
