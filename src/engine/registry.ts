import { z } from 'zod';
import { Rejected } from '../contract/outcome.ts';
import type { Runner } from '../contract/runner.ts';
import { canonicalKind } from '../documents/invocation.ts';

/** The runners of a server, by kind. */
export class Registry {
  readonly #runners: ReadonlyMap<string, Runner>;

  constructor(runners: readonly Runner[]) {
    this.#runners = new Map(runners.map((runner) => [runner.kind, runner]));
  }

  /** Undefined when no runner has this kind, in its own word or an alias. */
  find(word: string): Runner | undefined {
    return this.#runners.get(canonicalKind(word));
  }

  all(): Runner[] {
    return [...this.#runners.values()];
  }
}

/** Stands in for a kind that no runner has: such a run ends at once as `rejected`, as RxP says. */
export function missingRunner(word: string): Runner {
  return {
    kind: word,
    name: word,
    description: 'No runner',
    spec: z.unknown(),
    needsCommand: false,
    captures: false,
    parse() {
      throw new Rejected(`no runner for runtime_kind ${JSON.stringify(word)}`);
    },
    run: () => Promise.reject(new Rejected(`no runner for runtime_kind ${JSON.stringify(word)}`)),
  };
}
