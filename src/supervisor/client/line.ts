import type { Socket } from 'node:net';
import { afterMs } from '../../platform/timer.ts';
import { readFromSupervisor } from '../protocol/checks.ts';
import { type LineWriter, lineWriter, readLines } from '../protocol/lines.ts';
import { type FromSupervisor, PROTOCOL_VERSION, type ToSupervisor } from '../protocol/messages.ts';

export type SupervisorMessage = Exclude<FromSupervisor, { op: 'welcome' }>;

/** A supervisor that is connected and has answered. */
export interface SupervisorLine extends Pick<LineWriter<ToSupervisor>, 'send' | 'mention'> {
  readonly version: number;
  /** The runs it had then; null: it does not say. */
  readonly runs: ReadonlySet<string> | null;
  /** It ends every program and itself (quit), or goes on (leave). Resolves when the connection is closed. */
  close(how: 'quit' | 'leave'): Promise<void>;
}

/** A supervisor that accepts a connection and then says nothing is hung, and so is one that does not close it when it is left. */
const HUNG_MS = 10_000;

/** In the act of dying it may still accept a connection that it will not answer. */
export class ConnectionClosed extends Error {}

/**
 * Say hello, and show the key of the data directory. `onClose` is called when a supervisor that had answered is gone,
 * or has said what no supervisor says.
 */
export async function openLine(
  socket: Socket,
  key: string,
  onMessage: (message: SupervisorMessage) => void,
  onClose: () => void,
): Promise<SupervisorLine> {
  const welcomed = Promise.withResolvers<Extract<FromSupervisor, { op: 'welcome' }>>();
  const { send, mention, flush } = lineWriter<ToSupervisor>(socket);
  let open = false;
  readLines(socket, {
    read: readFromSupervisor,
    onMessage(message) {
      if (message.op === 'welcome') welcomed.resolve(message);
      else onMessage(message);
    },
    onAlien: ({ message }) =>
      welcomed.reject(new Error(`what listens on its socket is no supervisor: ${message}`)),
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    welcomed.reject(new ConnectionClosed('the supervisor closed the connection'));
    if (open) onClose();
  });
  const answered = afterMs(HUNG_MS, () => welcomed.reject(new Error('the supervisor does not answer')));
  send({ op: 'hello', version: PROTOCOL_VERSION, key });
  try {
    const { version, runs } = await welcomed.promise;
    open = true;
    return {
      version,
      runs: runs ? new Set(runs) : null,
      send,
      mention,
      close(how) {
        if (how === 'quit') send({ op: 'quit' });
        flush();
        return closed(socket, how);
      },
    };
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    answered();
  }
}

async function closed(socket: Socket, how: 'quit' | 'leave'): Promise<void> {
  if (socket.destroyed) return;
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  if (how === 'leave') socket.end();
  // A program may have stopped it (SIGSTOP). What it was sent it reads when it goes on.
  const inTime = afterMs(HUNG_MS, () => socket.destroy());
  await gone;
  inTime();
}
