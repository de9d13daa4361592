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
  const refusal = (): RunwireError => new RunwireError('stdin_closed', 'the program takes no more input');
  if (options.stdin_open)
    return {
      writeStdin: (bytes) =>
        new Promise((resolve, reject) => {
          if (closed || socket.writableEnded) return reject(refusal());
          const gone = (): void => reject(refusal());
          socket.once('close', gone);
          socket.write(bytes, (error) => {
            socket.off('close', gone);
            if (error) reject(refusal());
            else resolve();
          });
        }),
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
