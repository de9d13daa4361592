import type { Runner } from '../contract/runner.ts';
import type { FieldError } from '../documents/errors.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import type { Options } from '../documents/options.ts';
import { CHANNELS } from '../documents/stream.ts';

/** Ids of artifacts that runs have by themselves. */
const OWN_IDS: ReadonlySet<string> = new Set([...CHANNELS, 'response']);

/** Throws invalid_invocation, naming the fields, for outputs that no run of the kind can leave behind. */
export function checkOutputs({ kind, takesFiles }: Runner, { outputs }: Options): void {
  if (outputs === undefined) return;
  const path = 'options.outputs';
  if (takesFiles === 'named' && outputs.length > 0)
    throw fieldRefusal('invalid_invocation', [
      { path, message: `${kind} leaves no files in a working directory: it takes no outputs` },
    ]);
  const errors = outputs.flatMap(({ id }, index): FieldError[] =>
    OWN_IDS.has(id)
      ? [
          {
            path: `${path}.${index}.id`,
            message: `is the id of an artifact that the run has by itself: ${id}`,
          },
        ]
      : [],
  );
  if (errors.length > 0) throw fieldRefusal('invalid_invocation', errors);
}
