import { z } from 'zod';
import type { FieldError } from '../documents/errors.ts';
import { fieldErrors } from '../documents/field-errors.ts';
import type { Kind } from '../documents/kind.ts';
import { fillValue } from '../fill/document.ts';

/**
 * What is wrong with options of a kind that an invocation completes: what is absent may still come, and with it what makes the rest
 * fit together.
 */
export function incompleteFaults(kind: Kind, sent: unknown, path: readonly string[]): FieldError[] {
  const { spec } = kind;
  const given = withAnyAsset(kind, sent);
  const { error } = (spec instanceof z.ZodObject ? alone(spec) : spec).safeParse(given);
  if (error === undefined) return [];
  const issues = error.issues.filter((issue) => !mayCome(given, issue.path));
  return issues.length === 0 ? [] : fieldErrors(new z.core.$ZodRealError(issues), path);
}

/** Which assets there are, and where, is said later: any address stands for each. */
function withAnyAsset({ placeholders = [] }: Kind, given: unknown): unknown {
  if (typeof given !== 'object' || given === null) return given;
  const any = { get: () => 'https://asset.invalid/', keys: () => [].values() };
  const filler = { statics: any, templates: null };
  const fill = ([name, value]: [string, unknown]) => [
    name,
    placeholders.includes(name) ? fillValue(value, filler, [], () => {}) : value,
  ];
  return Object.fromEntries(Object.entries(given).map(fill));
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
