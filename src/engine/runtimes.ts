import { z } from 'zod';
import type { RuntimeDescription } from './engine.ts';
import type { Registry } from './registry.ts';

/** What can be run here, as clients see it. */
export function describeRuntimes(registry: Registry): Promise<RuntimeDescription[]> {
  return Promise.all(
    registry.all().map(async (runner) => {
      const reason = (await runner.available?.()) ?? null;
      const { kind, name, description, spec } = runner;
      const available = reason === null;
      return { kind, name, description, options_schema: z.toJSONSchema(spec), available, reason };
    }),
  );
}
