import { Socket } from 'node:net';
import type { InputSink } from './spawner.ts';

/** Read a pipe as bytes come, into a buffer that the caller shares between pipes. */
export function followPipe(
  fd: number,
  buffer: Buffer,
  onChunk: (chunk: Buffer) => void,
  onEnd: () => void,
  onRead: (bytes: number) => void,
): Socket {
  const socket = new Socket({
    fd,
    readable: true,
    writable: false,
    onread: {
      buffer,
      callback(bytes: number) {
        onChunk(buffer.subarray(0, bytes));
        onRead(bytes);
        return true;
      },
    },
  });
  socket.on('end', onEnd);
  socket.on('error', onEnd);
  socket.resume();
  return socket;
}

/** Standard input of a program: a write that resolves when the kernel has the bytes. */
export function pipeInput(
  socket: NodeJS.WritableStream & { destroy(): void; destroyed?: boolean },
): InputSink {
  let closed: Error | null = null;
  socket.on('error', (error: Error) => {
    closed ??= error;
  });
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        if (closed) reject(closed);
        else socket.write(bytes, (error) => (error ? reject(error) : resolve()));
      }),
    end: () => void socket.end(),
    close: () => socket.destroy(),
  };
}
