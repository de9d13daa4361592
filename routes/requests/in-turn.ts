import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/**
 * Requests that are sent ahead on one connection are worked on one after the other (RFC 9112, 9.3.2: in parallel only where
 * all are safe): what is answered and not taken is at most one answer a connection. To be called before other hooks are added.
 */
export function answerInTurn(app: FastifyInstance): void {
  const last = new WeakMap<Socket, ServerResponse>();
  app.addHook('onRequest', (request, reply, done) => {
    const { socket } = request.raw;
    const before = last.get(socket);
    last.set(socket, reply.raw);
    if (before === undefined || before.writableFinished || before.closed) done();
    // With the connection goes what waits for its turn on it: there is nobody to answer.
    else before.once('close', () => socket.destroyed || done());
  });
}
