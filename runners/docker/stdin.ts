import { createReadStream } from 'node:fs';
import type { Socket } from 'node:net';
import type { RunContext, RunControls } from '../../src/contract/context.ts';
import { RunwireError } from '../../src/documents/errors.ts';

type Source = Pick<RunContext, 'invocation' | 'inputPath'>;

/** Has the program standard input that is not empty from the start. */
export function wantsStdin({ invocation: { options }, inputPath }: Source): boolean {
  return options.stdin_open === true || options.stdin !== undefined || inputPath !== null;
}

/** Has a program in a kept container some, which is a terminal too. */
export function wantsInput(source: Source): boolean {
  return wantsStdin(source) || source.invocation.options.terminal !== undefined;
}

/** It comes while the program runs, and from others. */
export function isOpenInput({ options }: Source['invocation']): boolean {
  return options.stdin_open === true || options.terminal !== undefined;
}

/** Feed the program what the invocation gives, or offer to. The program may end without having read it all. */
export function feedStdin(socket: Socket, { invocation: { options }, inputPath }: Source): RunControls {
  let closed = false;
  socket.on('error', () => socket.destroy());
  socket.once('close', () => {
    closed = true;
  });
  socket.resume();
  if (options.stdin_open)
    return {
      writeStdin: (bytes) => write(socket, bytes),
      closeStdin: async () => {
        if (!closed) socket.end();
      },
    };
  if (options.stdin !== undefined) socket.end(options.stdin);
  else if (inputPath !== null) {
    const file = createReadStream(inputPath);
    file.on('error', () => socket.end());
    socket.once('close', () => file.destroy());
    file.pipe(socket);
  } else socket.end();
  return {};
}

/** The same of a terminal, where the end is a character as well: Ctrl-D, twice behind a line that was begun. */
export function typedInto(socket: Socket): RunControls {
  let lastByte = LINE_END;
  socket.on('error', () => socket.destroy());
  socket.resume();
  const type = (bytes: Buffer): Promise<void> => {
    lastByte = bytes.at(-1) ?? lastByte;
    return write(socket, bytes);
  };
  return {
    writeStdin: type,
    closeStdin: () => type(Buffer.alloc(ENDS.has(lastByte) ? 1 : 2, CTRL_D)).catch(() => {}), // it has ended, as it was to
  };
}

const CTRL_D = 4;
const LINE_END = 10;
const ENDS: ReadonlySet<number> = new Set([CTRL_D, LINE_END, 13]);

function write(socket: Socket, bytes: Buffer): Promise<void> {
  const refusal = (): RunwireError => new RunwireError('stdin_closed', 'the program takes no more input');
  return new Promise((resolve, reject) => {
    if (socket.destroyed || socket.writableEnded) return reject(refusal());
    const gone = (): void => reject(refusal());
    socket.once('close', gone);
    socket.write(bytes, (error) => {
      socket.off('close', gone);
      if (error) reject(refusal());
      else resolve();
    });
  });
}
