import type { FieldError } from '../documents/errors.ts';
import { RunwireError } from '../documents/errors.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import type { InvocationInput, WholeInvocationInput } from '../documents/invocation.ts';
import { type DefaultsLayer, withDefaults, withoutHiddenCommands } from '../documents/invocation-defaults.ts';
import type { ResolvedSpec, SpecBook } from '../specs/spec-book.ts';
import type { SpecOfRun } from '../store/specs.ts';

/** An invocation with what is said elsewhere. */
export interface MeantInvocation {
  /** What is stored, and run. */
  whole: WholeInvocationInput;
  spec: SpecOfRun | null;
  /** What an error is to a client, who did not send all of it. */
  told: (error: unknown) => unknown;
}

/** What is meant by an invocation on this server. Throws RunwireError invalid_invocation, naming the fields. */
export function meantInvocation(
  input: InvocationInput,
  specs: SpecBook | null,
  kindOf: (word: string) => string,
): MeantInvocation {
  const spec = specOf(input, specs);
  const layers = spec === null ? [] : [spec];
  const whole = withoutHiddenCommands(withDefaults(input, layers, kindOf));
  if (spec === null) return { whole, spec, told: (error) => error };
  const { name, version, digest } = spec;
  const options = { ...whole.options, environment_spec: `${name}@${version}` };
  return {
    whole: { ...whole, options },
    spec: { name, version, digest },
    told: (error) => withOrigins(error, input, layers),
  };
}

function specOf({ options }: InvocationInput, specs: SpecBook | null): ResolvedSpec | null {
  const reference = options?.environment_spec;
  if (reference === undefined) return null;
  if (specs !== null) return specs.resolve(reference);
  throw fieldRefusal('invalid_invocation', [
    { path: 'options.environment_spec', message: 'this server has no environment specs' },
  ]);
}

/** Of faulty fields that are not, or not only, in what was sent: where they come from. */
function withOrigins(error: unknown, input: InvocationInput, layers: readonly DefaultsLayer[]): unknown {
  if (!(error instanceof RunwireError) || error.errors === undefined) return error;
  const errors = error.errors.map((fault): FieldError => {
    const whose = layers.findLast(({ defaults }) => said(defaults, fault.path) !== undefined);
    const sent = said(input, fault.path);
    if (whose === undefined || (sent !== undefined && !isMap(sent))) return fault;
    const how = sent === undefined ? 'it comes from' : 'a part of it comes from';
    return { ...fault, message: `${fault.message} (${how} ${whose.from})` };
  });
  return fieldRefusal(error.code, errors);
}

/** What is at a dotted path. Lists and scalars are somebody's as a whole. */
function said(document: DefaultsLayer['defaults'], path: string): unknown {
  if (path === 'command' && document.entry !== undefined) return document.entry;
  let value: unknown = document;
  for (const name of path.split('.')) {
    if (!isMap(value)) return value;
    value = Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return value;
}

function isMap(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
