import { Socket } from 'node:net';
import { type Ends, PIPE_BYTES, shared } from './ends.ts';
import * as fileActions from './file-actions.ts';
import { followPipe, pipeInput } from './pipes.ts';
import * as posix from './posix.ts';
import type { OutputSource } from './spawner.ts';
import { systemSpawnError } from './system-spawn-error.ts';

/** A pipe for each stream; `stdin` is a descriptor to read from, or a pipe too. Throws SpawnError. */
export function pipeEnds(stdin: number | 'pipe'): Ends {
  const [out, err, input] = openPipes(stdin === 'pipe');
  return {
    connect() {
      fileActions.dup2(input ? input.read : (stdin as number), 0);
      fileActions.dup2(out.write, 1);
      fileActions.dup2(err.write, 2);
    },
    started() {
      closeTheirs();
      return {
        stdout: pipeSource(out.read),
        stderr: pipeSource(err.read),
        stdin: input ? pipeInput(new Socket({ fd: input.write, readable: false, writable: true })) : null,
        terminal: null,
      };
    },
    failed() {
      closeTheirs();
      posix.close(out.read);
      posix.close(err.read);
      if (input) posix.close(input.write);
    },
  };

  function closeTheirs(): void {
    posix.close(out.write);
    posix.close(err.write);
    if (input) posix.close(input.read);
  }
}

/** All of them or, when descriptors run out, none. */
function openPipes(feed: boolean): [posix.Pipe, posix.Pipe, posix.Pipe | null] {
  const opened: posix.Pipe[] = [];
  const open = (ours: 'read' | 'write'): posix.Pipe => {
    const pipe = posix.openPipe(ours);
    opened.push(pipe);
    return pipe;
  };
  try {
    return [open('read'), open('read'), feed ? open('write') : null];
  } catch (error) {
    for (const { read, write } of opened) {
      posix.close(read);
      posix.close(write);
    }
    throw systemSpawnError(error);
  }
}

function pipeSource(fd: number): OutputSource {
  let ended = false;
  let socket: Socket | null = null;
  return {
    drain(onChunk) {
      // What the pipe holds now is never more than its capacity; others may go on filling it for ever.
      for (let left = PIPE_BYTES; !ended && left > 0; ) {
        const got = posix.readNow(fd, shared);
        if (got < 0) return false;
        if (got === 0) ended = true;
        else onChunk(shared.subarray(0, got));
        left -= got;
      }
      return ended;
    },
    follow(onChunk, onEnd) {
      let grown = false;
      const finish = () => {
        ended = true; // the socket has closed the descriptor
        onEnd();
      };
      socket = followPipe(fd, shared, onChunk, finish, (got) => {
        if (grown || got < 64 * 1024) return;
        grown = true;
        posix.growPipe(fd, PIPE_BYTES);
      });
    },
    close() {
      ended = true;
      if (socket) socket.destroy();
      else posix.close(fd);
    },
  };
}
