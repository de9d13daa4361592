import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

/** A client from which nothing has come for so long has read its answer, or will not. */
const QUIET_MS = 2000;
/** How long one may go on sending what nobody reads. */
const LINGER_MS = 30_000;

/**
 * Closes a connection after an answer that came before the end of its request in two steps (RFC 9112, 9.6): no more is
 * said, and what still comes is taken and dropped until the request is over. Closed at once, the system would answer it
 * with a reset, and most clients read the answer only when all they have to say was taken: a reset takes it from them.
 */
export function lingerOnClose(server: Server): void {
  const newest = new WeakMap<Socket, IncomingMessage>();
  server.on('request', (request: IncomingMessage) => newest.set(request.socket, request));
  server.on('connection', (socket: Socket) => {
    const close = socket.destroySoon.bind(socket);
    let lingers = false;
    // Node calls it when the last answer of a connection is written.
    socket.destroySoon = () => {
      const request = newest.get(socket);
      if (lingers) return;
      if (request === undefined || request.complete || socket.destroyed) return close();
      lingers = true;
      linger(socket, request, close);
    };
  });
}

function linger(socket: Socket, request: IncomingMessage, close: () => void): void {
  const over = setTimeout(close, LINGER_MS).unref();
  let seen = socket.bytesRead;
  const quiet = setInterval(() => {
    if (socket.bytesRead === seen) close();
    seen = socket.bytesRead;
  }, QUIET_MS).unref();
  socket.once('close', () => {
    clearTimeout(over);
    clearInterval(quiet);
  });
  socket.once('end', close);
  socket.on('error', () => {}); // it is gone
  request.once('end', close);
  request.on('error', close);
  socket.end();
  request.resume();
  socket.resume();
}
