import type { FastifyInstance } from 'fastify';
import { RunwireError } from '../../src/errors.ts';

/** The methods of each path of an app, to tell a wrong method (405) from a wrong path (404). */
export class KnownPaths {
  readonly #paths = new Map<string, { pattern: RegExp; methods: Set<string> }>();

  /** Learns the routes that are added from now on. */
  watch(app: FastifyInstance): void {
    app.addHook('onRoute', ({ url, method }) => {
      const known = this.#paths.get(url) ?? { pattern: patternOf(url), methods: new Set() };
      for (const name of [method].flat()) known.methods.add(name);
      this.#paths.set(url, known);
    });
  }

  /** The methods a concrete path takes; empty: there is no such path. */
  methodsOf(url: string): string[] {
    const path = url.split('?', 1)[0] ?? '/';
    const methods = [...this.#paths.values()]
      .filter(({ pattern }) => pattern.test(path))
      .flatMap((known) => [...known.methods]);
    return [...new Set(methods)].sort();
  }

  /** The error of a request that no route took. Says Allow through `allow`. */
  refusal(method: string, url: string, allow: (methods: string) => void): RunwireError {
    const methods = this.methodsOf(url);
    if (methods.length === 0) return new RunwireError('not_found', 'There is nothing at this path.');
    allow(methods.join(', '));
    return new RunwireError('method_not_allowed', `${method} is not allowed here.`);
  }
}

function patternOf(url: string): RegExp {
  const source = url
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replace(/:[a-z_]+/g, '[^/]+')
    .replace(/\*/g, '.*');
  return new RegExp(`^${source}$`);
}
