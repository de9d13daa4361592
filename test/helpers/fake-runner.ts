import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { RunContext } from '../../src/contract/context.ts';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import type { Runner } from '../../src/contract/runner.ts';

const Spec = z.strictObject({
  logs: z.array(z.string()).default([]),
  sleep_ms: z.number().default(0),
  exit_code: z.number().int().default(0),
  throw_message: z.string().optional(),
  ignore_abort: z.boolean().default(false),
});
type Spec = z.infer<typeof Spec>;

/** A runner driven by metadata.fake (JSON of its spec): it tests the engine, not itself. */
export function fakeRunner(): Runner<Spec> {
  return {
    kind: 'fake',
    name: 'Fake',
    description: 'Does what metadata.fake says.',
    spec: Spec,
    needsCommand: false,
    captures: true,
    parse: ({ metadata }) => Spec.parse(JSON.parse(metadata.fake ?? '{}')),
    async run({ spec, output, signal }) {
      for (const line of spec.logs) output.write('stdout', Buffer.from(line));
      if (spec.sleep_ms > 0)
        await sleep(spec.sleep_ms, undefined, spec.ignore_abort ? {} : { signal }).catch(() => {});
      if (spec.throw_message !== undefined) throw new Error(spec.throw_message);
      return { ended: 'exited', started: true, retrySafe: false, exitCode: spec.exit_code };
    },
  };
}

/** An invocation of the fake kind. */
export function fake(spec: z.input<typeof Spec> = {}, more: Record<string, unknown> = {}) {
  return { runtime_kind: 'fake', metadata: { fake: JSON.stringify(spec) }, ...more };
}

/** The outcome of a program that ended by itself. */
export function exited(exitCode = 0): RunnerOutcome {
  return { ended: 'exited', started: true, retrySafe: false, exitCode };
}

/** A runner of one test: the kind `scripted` does what the test says. */
export function scripted(
  run: (ctx: RunContext) => Promise<RunnerOutcome>,
  more: Partial<Runner> = {},
): Runner {
  return {
    kind: 'scripted',
    name: 'Scripted',
    description: 'Does what the test says.',
    spec: z.unknown(),
    needsCommand: false,
    captures: true,
    parse: () => null,
    run,
    ...more,
  };
}

/** Runs that go on until the test releases them or they are aborted. */
export function heldRunner(more: Partial<Runner> = {}): {
  runner: Runner;
  started: string[];
  release(id: string): void;
} {
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const started: string[] = [];
  const gate = (id: string): PromiseWithResolvers<void> => {
    const known = gates.get(id) ?? Promise.withResolvers<void>();
    gates.set(id, known);
    return known;
  };
  const runner = scripted(
    async ({ invocation: { invocation_id: id }, signal }) => {
      started.push(id);
      const { promise, resolve } = gate(id);
      signal.addEventListener('abort', () => resolve(), { once: true });
      await promise;
      return exited();
    },
    { kind: 'held', ...more },
  );
  return { runner, started, release: (id) => gate(id).resolve() };
}
