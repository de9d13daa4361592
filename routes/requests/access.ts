import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';

/**
 * Who may use a route, where the server has a token:
 * `open` anyone: it tells nothing of runs · `callback-token` anyone: the token is in the address, and the route proves
 * it · `claim-token` who holds a claim of the run in the path, or the server's token; the route looks for the claim ·
 * `token-or-claim` the same, and the server's token is enough · `token-or-address` who has the server's token, or a signature in
 * the address, which the route proves · `token` who has the server's token.
 */
export type Access =
  | 'open'
  | 'callback-token'
  | 'claim-token'
  | 'token-or-claim'
  | 'token-or-address'
  | 'token';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every route declares it; the start fails where one does not. */
    access?: Access;
    /** Asked under any name: the Host header is not compared. For what balancers and probes ask. */
    anyHost?: boolean;
  }
}

/** Has every route that is added from now on declare who may use it: ready() rejects and names one that does not. */
export function declaredAccess(app: FastifyInstance): void {
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => {
    routes.push(route);
  });
  // Not at once: a hook of an inner scope may declare for what a plugin adds there.
  app.addHook('onReady', (done) => {
    const silent = routes.find(({ config }) => config?.access === undefined);
    done(
      silent &&
        new Error(
          `${silent.method} ${silent.url} does not declare who may use it (config.access of the route).`,
        ),
    );
  });
}

/** For routes that a plugin adds to this scope and that cannot say it themselves. */
export function declareFor(scope: FastifyInstance, access: Access): void {
  scope.addHook('onRoute', (route) => {
    route.config = { ...route.config, access };
  });
}

/** What no route takes is as closed as can be: which paths exist is nobody's business. */
export function accessOf(request: FastifyRequest): Access {
  return (request.is404 ? undefined : request.routeOptions.config.access) ?? 'token';
}
