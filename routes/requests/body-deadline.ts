import type { FastifyInstance, preParsingHookHandler } from 'fastify';
import { RunwireError } from '../../src/documents/errors.ts';
import { afterMs } from '../../src/platform/timer.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body is passed on as it comes, for as long as it takes. */
    streamsBody?: boolean;
    /** The body is a file, of any length: it may take as long as it needs, while it comes. */
    takesFile?: boolean;
    /** So many bytes it may have. Default: as much as one request may upload. */
    fileBytes?: number;
  }
}

/** Gives bodies that are read whole so long to arrive, and files so long to go on coming. To be called before the routes are made. */
export function expectBodiesWithin(app: FastifyInstance, ms: number): void {
  const expect: preParsingHookHandler = ({ raw, routeOptions }, _reply, payload, done) => {
    const { socket, headers } = raw;
    const hasFiles = routeOptions.config.takesFile || headers['content-type']?.startsWith('multipart/');
    let seen = socket.bytesRead;
    const look = (): void => {
      // Files may take as long as they need, while they come.
      if (hasFiles && socket.bytesRead > seen) {
        seen = socket.bytesRead;
        stop = afterMs(ms, look);
        return;
      }
      // The parser hears it and answers. To destroy the request would take the connection away before.
      if (payload.listenerCount('error') > 0)
        payload.emit('error', new RunwireError('request_timeout', `The body took more than ${ms / 1000} s.`));
    };
    let stop = afterMs(ms, look);
    const arrived = (): void => stop();
    payload.once('end', arrived);
    payload.once('close', arrived);
    done(null, payload);
  };
  app.addHook('onRoute', (route) => {
    if (route.method === 'GET' || route.method === 'HEAD' || route.config?.streamsBody) return;
    route.preParsing = [expect, ...[route.preParsing ?? []].flat()];
  });
}
