import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Runner } from '../../src/runner.ts';

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
