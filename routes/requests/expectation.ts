import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { RunwireError } from '../../src/documents/errors.ts';

/**
 * `Expect: 100-continue` (RFC 9110, 10.1.1): a client that asks before it sends is told to go on when nothing of the
 * header refuses it, and else has the final answer at once, and sends nothing for it.
 */
export function continueLate(
  app: FastifyInstance,
  { maxBodyBytes, maxUploadBytes }: { maxBodyBytes: number; maxUploadBytes: number },
): void {
  const asking = new WeakSet<IncomingMessage>();
  app.server.on('checkContinue', (request, response) => {
    asking.add(request);
    app.server.emit('request', request, response);
  });
  app.addHook('preParsing', (request, reply, payload, done) => {
    if (!asking.has(request.raw)) return done(null, payload);
    const { 'content-length': length, 'content-type': type } = request.headers;
    const { streamsBody, takesFile, fileBytes = maxUploadBytes } = request.routeOptions.config;
    const isBounded = !streamsBody && !type?.startsWith('multipart/');
    const most = takesFile ? fileBytes : maxBodyBytes;
    if (isBounded && Number(length) > most)
      return done(new RunwireError('body_too_large', `The body is longer than ${most} bytes.`));
    reply.raw.writeContinue();
    done(null, payload);
  });
}
