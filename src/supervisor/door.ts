import { timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import { afterMs } from '../platform/timer.ts';
import { readToSupervisor } from './protocol/checks.ts';
import { LONGEST_LINE, lineWriter, readLines } from './protocol/lines.ts';
import { type FromSupervisor, LAST_WITHOUT_KEY, type ToSupervisor } from './protocol/messages.ts';

/** Who has not said who he is by then is shown out. */
const HELLO_MS = 10_000;
const LONGEST_HELLO = 4096;
/** Of so many who have not said it, the one that has waited longest goes. */
const MAX_WAITING = 64;
/** A server that died is known to be gone a moment after its successor has come. */
const SUCCESSION_MS = 1000;
/** Strangers must not fill the log. */
const LOG_EVERY_MS = 60_000;

type Hello = Extract<ToSupervisor, { op: 'hello' }>;
export type Order = Exclude<ToSupervisor, Hello>;

export interface DoorOptions {
  /** What a server shows; null: it cannot be read now, and nobody is one. */
  key(): Buffer | null;
  /** Is there one of our own programs at the other end: none is a server, whatever it knows. */
  isOwnProgram(socket: Socket): boolean;
  onServer(hello: Hello, send: (message: FromSupervisor) => void): void;
  onOrder(order: Order): void;
  onLeft(): void;
}

/**
 * Who may speak to this supervisor: one server at a time. One that shows the key takes the place of the one before,
 * which may hang. A server of a release without a key is let in while there is no other, to see runs of before to
 * their end; it starts none here. Whoever says anything else is shown out, and nothing else happens.
 */
export function openDoor(options: DoorOptions): (socket: Socket) => void {
  let server: Socket | null = null;
  const waiting = new Set<Socket>();
  let loggedAt = Number.NEGATIVE_INFINITY;

  function refuse(socket: Socket, why: string): void {
    socket.destroy();
    if (performance.now() - loggedAt < LOG_EVERY_MS) return;
    loggedAt = performance.now();
    console.error(`runwire supervisor: a connection that is no server's was closed: ${why}`);
  }

  return (socket) => {
    let mayStart = false;
    let greeted = false;
    const { send } = lineWriter<FromSupervisor>(socket);
    waiting.add(socket);
    if (waiting.size > MAX_WAITING)
      for (const longest of [...waiting].slice(0, waiting.size - MAX_WAITING))
        refuse(longest, 'too many said nothing');
    const said = afterMs(HELLO_MS, () => refuse(socket, 'it said nothing'));

    function admit(hello: Hello): void {
      said();
      waiting.delete(socket);
      const before = server;
      server = socket;
      before?.destroy();
      options.onServer(hello, send);
    }

    function greet(hello: Hello): void {
      if (greeted) return refuse(socket, 'it said hello twice');
      greeted = true;
      if (options.isOwnProgram(socket)) return refuse(socket, 'it is a program of a run');
      mayStart = isKey(hello.key, options.key());
      if (mayStart) return admit(hello);
      if (hello.version > LAST_WITHOUT_KEY) return refuse(socket, 'it does not know the key');
      if (server === null) return admit(hello);
      setTimeout(() => {
        if (socket.destroyed) return;
        if (server === null) admit(hello);
        else refuse(socket, 'there is a server, and it does not know the key');
      }, SUCCESSION_MS);
    }

    readLines(socket, {
      read: readToSupervisor,
      longest: () => (server === socket ? LONGEST_LINE : LONGEST_HELLO),
      onMessage(message) {
        if (message.op === 'hello') return greet(message);
        if (server !== socket) return refuse(socket, 'it gave an order without a hello');
        if (message.op === 'spawn' && !mayStart) return refuse(socket, 'it does not know the key');
        options.onOrder(message);
      },
      onAlien: (error) => refuse(socket, error.message),
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      said();
      waiting.delete(socket);
      if (server !== socket) return;
      server = null;
      options.onLeft();
    });
  };
}

/** Constant in time for what is shown. */
function isKey(shown: string | undefined, key: Buffer | null): boolean {
  if (shown === undefined || key === null) return false;
  const given = Buffer.from(shown, 'base64url');
  return given.length === key.length && timingSafeEqual(given, key);
}
