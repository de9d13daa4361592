import type { Runner } from '../contract/runner.ts';
import { optionsSchemaOf } from '../documents/kind.ts';
import type { RuntimeDescription } from './engine.ts';

/** What can be run here, as clients see it. */
export async function describeRuntime(runner: Runner): Promise<RuntimeDescription> {
  const reason = (await runner.available?.()) ?? null;
  const { kind, name, description } = runner;
  return {
    kind,
    name,
    description,
    options_schema: optionsSchemaOf(runner),
    available: reason === null,
    reason,
  };
}
