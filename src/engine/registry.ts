import { z } from 'zod';
import { Rejected } from '../contract/outcome.ts';
import type { Runner } from '../contract/runner.ts';
import { RunwireError } from '../documents/errors.ts';
import { optionKeyOf, optionsSchemaOf, rxpKindOf } from '../documents/kind.ts';
import { COMMON_OPTIONS } from '../documents/options.ts';
import { isRxpKind, type RxpKind } from '../documents/rxp-kind.ts';
import type { RuntimeDescription } from './engine.ts';

/** The runners of a server, by the words for them. */
export class Registry {
  readonly all: readonly Runner[];
  readonly #words: ReadonlyMap<string, Runner>;

  /** Throws Error, which names both, where two have one word or one key in `options`. */
  constructor(runners: readonly Runner[]) {
    this.all = runners;
    this.#words = ofOneEach(runners, ({ kind, aliases = [] }) => [kind, ...aliases], 'runtime_kind ');
    const keys = ofOneEach(runners, (runner) => [optionKeyOf(runner) ?? []].flat(), 'options.');
    for (const [key, runner] of keys)
      if (COMMON_OPTIONS.has(key))
        throw new Error(`${nameOf(runner)} cannot have options.${key}: every run may have that option`);
  }

  /** Undefined when no runner has this kind, in its own word or an alias. */
  find(word: string): Runner | undefined {
    return this.#words.get(word);
  }

  /** Throws RunwireError runtime_not_found. */
  get(word: string): Runner {
    const runner = this.find(word);
    if (!runner) throw new RunwireError('runtime_not_found', `This server has no kind ${word}.`);
    return runner;
  }

  /** The kind a word stands for, or the word itself when it is none of ours. */
  kindOf(word: string): string {
    return this.find(word)?.kind ?? word;
  }

  /** RxP's word for the kind that a word stands for. */
  rxpKindOf(word: string): RxpKind {
    return rxpKindOf(this.find(word) ?? missingRunner(word));
  }

  /** What a kind is to clients. Throws RunwireError runtime_not_found. */
  async describe(word: string): Promise<RuntimeDescription> {
    return describe(this.get(word));
  }

  describeAll(): Promise<RuntimeDescription[]> {
    return Promise.all(this.all.map(describe));
  }

  /** Once, when it is known which runs and sessions there are. `isUnfinished`: is there a run of this id that is not over. */
  start(...known: Parameters<NonNullable<Runner['start']>>): void {
    for (const runner of this.all) runner.start?.(...known);
  }

  /** Once, when the server stops. */
  async close(): Promise<void> {
    await Promise.all(this.all.map(async (runner) => runner.close?.()));
  }
}

async function describe(runner: Runner): Promise<RuntimeDescription> {
  const reason = (await runner.available?.()) ?? null;
  const { kind, name, description } = runner;
  const available = reason === null;
  return { kind, name, description, options_schema: optionsSchemaOf(runner), available, reason };
}

/** Who has which of the words; `what` they are words of. */
function ofOneEach(
  runners: readonly Runner[],
  wordsOf: (runner: Runner) => readonly string[],
  what: string,
): Map<string, Runner> {
  const holders = new Map<string, Runner>();
  for (const runner of runners)
    for (const word of new Set(wordsOf(runner))) {
      const other = holders.get(word);
      if (other) throw new Error(`${nameOf(other)} and ${nameOf(runner)} cannot both have ${what}${word}`);
      holders.set(word, runner);
    }
  return holders;
}

const nameOf = ({ kind, name }: Runner): string => `the runner ${JSON.stringify(name)} of kind ${kind}`;

/** Stands in for a kind that no runner has: such a run ends at once as `rejected`, as RxP says. */
export function missingRunner(word: string): Runner {
  return {
    kind: word,
    rxpKind: isRxpKind(word) ? word : 'unknown',
    name: word,
    description: 'No runner',
    optionKey: null,
    spec: z.unknown(),
    needsCommand: false,
    captures: false,
    // It is refused for another reason.
    setsUp: true,
    noTerminal: () => null,
    given: { by: 'place' },
    parse() {
      throw new Rejected(`no runner for runtime_kind ${JSON.stringify(word)}`);
    },
    run: () => Promise.reject(new Rejected(`no runner for runtime_kind ${JSON.stringify(word)}`)),
  };
}
