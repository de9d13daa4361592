import { type FieldError, RunwireError } from './errors.ts';
import { fieldRefusal } from './field-errors.ts';
import type { DefaultsLayer } from './invocation-defaults.ts';

/** Of faulty fields that are not, or not only, in what was sent: where they come from. */
export function withOrigins(error: unknown, sent: object, layers: readonly DefaultsLayer[]): unknown {
  if (!(error instanceof RunwireError) || error.errors === undefined) return error;
  const errors = error.errors.map((fault): FieldError => {
    const whose = layers.findLast(({ defaults }) => said(defaults, fault.path) !== undefined);
    const own = said(sent, fault.path);
    if (whose === undefined || (own !== undefined && !isMap(own))) return fault;
    const how = own === undefined ? 'it comes from' : 'a part of it comes from';
    return { ...fault, message: `${fault.message} (${how} ${whose.from})` };
  });
  return fieldRefusal(error.code, errors);
}

/** What is at a dotted path. Lists and scalars are somebody's as a whole. */
function said(document: object, path: string): unknown {
  const names = path.split('.');
  if (names[0] === 'command' && 'entry' in document && document.entry !== undefined) return document.entry;
  let value: unknown = document;
  for (const name of names) {
    if (!isMap(value)) return value;
    value = Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return value;
}

function isMap(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
