import type { FastifyInstance } from 'fastify';
import findMyWay from 'find-my-way';
import { RunwireError } from '../../src/documents/errors.ts';

/** Methods of HTTP that a path may refuse (405); others are unknown here (RFC 9110, 9.1). */
const METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE'] as const;
type Method = (typeof METHODS)[number];
/** That of RFC 10008 is known too, and the router knows no such routes. */
const UNROUTED = 'QUERY';

/** The methods of each path of an app, to tell a wrong method (405) from a wrong path (404). */
export class KnownPaths {
  /** The same as the app's own, which does not say what it would do with another method. */
  readonly #router;
  readonly #methods = new Set<Method>();

  constructor(options: { maxParamLength: number }) {
    this.#router = findMyWay(options);
  }

  /** Learns the routes that are added from now on. */
  watch(app: FastifyInstance): void {
    app.addHook('onRoute', ({ url, method, routePath, prefix }) => {
      // The bare path of a scope is there with and without a slash.
      const urls = routePath === '' && prefix !== '' ? [url, `${url}/`] : [url];
      for (const name of [method].flat().filter(isKnown)) {
        this.#methods.add(name);
        for (const path of urls)
          if (!this.#router.hasRoute(name, path)) this.#router.on(name, path, () => {});
      }
    });
  }

  /** The methods a concrete path takes; empty: there is no such path. */
  methodsOf(url: string): string[] {
    return METHODS.filter((method) => {
      const found = this.#router.find(method, url);
      // Nothing has an empty name.
      return found !== null && !Object.values(found.params).includes('');
    });
  }

  /** The methods of the server as a whole. */
  get methods(): string[] {
    return METHODS.filter((method) => this.#methods.has(method));
  }

  /** The error of a request that no route took. `url` is null for the server as a whole. Says Allow through `allow`. */
  refusal(method: string, url: string | null, allow: (methods: string) => void): RunwireError {
    if (!isKnown(method) && method !== UNROUTED)
      return new RunwireError('not_implemented', `This server knows no ${method}.`);
    const methods = url === null ? this.methods : this.methodsOf(url);
    if (methods.length === 0) return nothingHere();
    allow(methods.join(', '));
    return new RunwireError(
      'method_not_allowed',
      `${method} is not allowed here: ${methods.join(', ')} may be used.`,
    );
  }
}

export function nothingHere(): RunwireError {
  return new RunwireError('not_found', 'There is nothing at this path.');
}

function isKnown(method: string): method is Method {
  return METHODS.some((known) => known === method);
}
