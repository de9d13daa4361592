import { z } from 'zod';
import { canonicalJson } from '../documents/canonical-json.ts';
import type { EnvironmentSpecInput } from '../documents/environment-spec.ts';
import type { FieldError } from '../documents/errors.ts';
import { fieldErrors } from '../documents/field-errors.ts';
import { type Kind, optionKeyOf } from '../documents/kind.ts';
import { optionsOf } from '../documents/options.ts';

/** What is to be known of kinds. `setsUp`: as of a runner. */
export type SpecKind = Kind & { readonly setsUp?: boolean };

/** What is wrong with a spec on a server with these kinds, as far as that can be told before an invocation completes it. */
export function faultsOf(input: EnvironmentSpecInput, kinds: readonly SpecKind[]): FieldError[] {
  const { runtime_kind: word, options = {} } = input;
  const kind = kinds.find(({ kind, aliases = [] }) => kind === word || aliases.includes(word));
  const unknown = { path: 'runtime_kind', message: `${word} is no kind of this server` };
  return [
    ...(kind === undefined ? [unknown] : []),
    ...faultsOfSetup(input, kind),
    ...kinds.flatMap((one) => {
      const key = optionKeyOf(one);
      const given = key === null ? undefined : optionsOf(options, key);
      return given === undefined ? [] : faultsOfOptions(one, given, ['options', key ?? '']);
    }),
  ];
}

function faultsOfSetup({ setup, options }: EnvironmentSpecInput, kind: SpecKind | undefined): FieldError[] {
  const inner = options?.setup;
  const faults: FieldError[] = [];
  if (setup !== undefined && inner !== undefined && canonicalJson(setup) !== canonicalJson(inner))
    faults.push({ path: 'setup', message: 'is another one than options.setup: one of the two is enough' });
  if (kind !== undefined && !kind.setsUp && (setup ?? inner) !== undefined)
    faults.push({
      path: setup === undefined ? 'options.setup' : 'setup',
      message: `${kind.kind} runs nothing before the work: it takes no setup`,
    });
  return faults;
}

/** What is absent may still come, and with it what makes the rest fit together. */
function faultsOfOptions({ spec }: Kind, given: unknown, path: readonly string[]): FieldError[] {
  const { error } = (spec instanceof z.ZodObject ? alone(spec) : spec).safeParse(given);
  if (error === undefined) return [];
  const issues = error.issues.filter((issue) => !mayCome(given, issue.path));
  return issues.length === 0 ? [] : fieldErrors(new z.core.$ZodRealError(issues), path);
}

/** Each field for itself. */
function alone(spec: z.ZodObject): z.ZodObject {
  return spec.clone({ ...spec.def, checks: [] }).partial();
}

/** Lists are not merged: what their members lack does not come. */
function mayCome(given: unknown, path: readonly PropertyKey[]): boolean {
  let value = given;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    if (!Object.hasOwn(value, name)) return true;
    value = (value as { [name: PropertyKey]: unknown })[name];
  }
  return false;
}
