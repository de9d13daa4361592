import type { FastifyInstance, preParsingHookHandler } from 'fastify';
import { RunwireError } from '../../src/documents/errors.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body is passed on as it comes, for as long as it takes. */
    streamsBody?: boolean;
  }
}

/** Gives bodies that are read whole so long to arrive. To be called before the routes are made. */
export function expectBodiesWithin(app: FastifyInstance, ms: number): void {
  const expect: preParsingHookHandler = (_request, _reply, payload, done) => {
    const timer = setTimeout(() => {
      // The parser hears it and answers. To destroy the request would take the connection away before.
      if (payload.listenerCount('error') > 0)
        payload.emit('error', new RunwireError('request_timeout', `The body took more than ${ms / 1000} s.`));
    }, ms);
    const arrived = (): void => clearTimeout(timer);
    payload.once('end', arrived);
    payload.once('close', arrived);
    done(null, payload);
  };
  app.addHook('onRoute', (route) => {
    if (route.method === 'GET' || route.method === 'HEAD' || route.config?.streamsBody) return;
    route.preParsing = [expect, ...[route.preParsing ?? []].flat()];
  });
}
