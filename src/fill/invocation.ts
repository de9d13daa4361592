import type { FieldError } from '../documents/errors.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import { Environment, type Invocation } from '../documents/invocation.ts';
import { type Kind, optionKeyOf } from '../documents/kind.ts';
import type { Options } from '../documents/options.ts';
import { type Fault, fillValue } from './document.ts';
import type { Filler } from './text.ts';

/** With so many it is over: each says what there is. */
const MAX_ERRORS = 50;
/** Characters that are put in, of all texts together: short names may stand for long paths. */
const MOST_FILLED = 64 * 1024 * 1024;

/** Where a kind has them filled. */
type Filled = Pick<Kind, 'kind' | 'optionKey' | 'placeholders' | 'placeholdersInMetadata'>;

/**
 * An invocation as it is run: placeholders are filled wherever they are looked for, templates in command and values of the environment.
 * The same where nothing is looked for. Throws RunwireError invalid_invocation, naming every field with one that is not there.
 */
export function fillInvocation(
  invocation: Invocation,
  kind: Filled,
  meanings: Pick<Filler, 'statics' | 'templates'>,
): Invocation {
  if (meanings.statics === null && meanings.templates === null) return invocation;
  const filler: Filler = { ...meanings, room: { left: MOST_FILLED } };
  const errors: FieldError[] = [];
  const fault: Fault = (path, message) => {
    errors.push({ path: path.join('.'), message });
    if (errors.length === MAX_ERRORS) throw fieldRefusal('invalid_invocation', errors);
  };
  const { command, environment, metadata, options } = invocation;
  const staticsOnly: Filler = { ...filler, templates: null };
  const filled = {
    ...invocation,
    command: fillCommand(command, filler, fault),
    environment: fillEnvironment(environment, filler, fault),
    metadata: fillMetadata(metadata, kind, staticsOnly, fault),
    options: fillOptions(options, kind, staticsOnly, fault),
  };
  if (errors.length > 0) throw fieldRefusal('invalid_invocation', errors);
  return filled;
}

/** What was put in may have what no program can be given: its words would end there, and nobody would say so. */
function refuseNul(text: string, path: readonly string[], fault: Fault): void {
  if (text.includes('\0')) fault(path, 'must not contain a NUL character, and what is put in has one');
}

function fillCommand(command: readonly string[], filler: Filler, fault: Fault): string[] {
  return command.map((item, index) => {
    const path = ['command', String(index)];
    const filled = fillValue(item, filler, path, fault);
    refuseNul(filled, path, fault);
    return filled;
  });
}

/** Templates are in values alone. */
function fillEnvironment(
  environment: Invocation['environment'],
  filler: Filler,
  fault: Fault,
): Invocation['environment'] {
  const values = Object.fromEntries(
    Object.entries(environment).map(([name, value]) => {
      const filled = fillValue(value, filler, ['environment', name], fault);
      refuseNul(filled, ['environment', name], fault);
      return [name, filled];
    }),
  );
  if (filler.statics === null) return values;
  const named = new Map<string, string>();
  const namesOnly: Filler = { ...filler, templates: null };
  for (const [name, value] of Object.entries(values)) {
    const filled = fillValue(name, namesOnly, ['environment', name], fault);
    if (named.has(filled)) fault(['environment', name], `is the same as another one: ${filled}`);
    else if (filled !== name && !Environment.safeParse({ [filled]: '' }).success)
      fault(['environment', name], `is no name of a variable: ${filled}`);
    named.set(filled, value);
  }
  return Object.fromEntries(named);
}

function fillMetadata(
  metadata: Invocation['metadata'],
  { placeholdersInMetadata = [] }: Filled,
  filler: Filler,
  fault: Fault,
): Invocation['metadata'] {
  const filled = { ...metadata };
  for (const key of placeholdersInMetadata) {
    const value = metadata[key];
    if (value !== undefined) filled[key] = fillValue(value, filler, ['metadata', key], fault);
  }
  return filled;
}

function fillOptions(
  options: Options,
  { kind, optionKey, placeholders = [] }: Filled,
  filler: Filler,
  fault: Fault,
): Options {
  const filled: Record<string, unknown> = { ...options };
  const fill = (name: string, value: unknown): void => {
    if (value !== undefined) filled[name] = fillValue(value, filler, ['options', name], fault);
  };
  const { setup, files } = options;
  fill('stdin', options.stdin);
  fill('setup_command', options.setup_command);
  if (setup !== undefined) {
    const { commands, evaluation_commands, resume_commands } = setup;
    const lists = Object.entries({ commands, evaluation_commands, resume_commands }).flatMap(
      ([name, list]) =>
        list === undefined ? [] : [[name, fillValue(list, filler, ['options', 'setup', name], fault)]],
    );
    filled.setup = { ...setup, ...Object.fromEntries(lists) };
  }
  if (files !== undefined)
    filled.files = files.map((file, index) =>
      file.text === undefined
        ? file
        : { ...file, text: fillValue(file.text, filler, ['options', 'files', String(index), 'text'], fault) },
    );
  const key = optionKeyOf({ kind, ...(optionKey !== undefined && { optionKey }) });
  const own = key === null ? undefined : options[key];
  if (key !== null && typeof own === 'object' && own !== null) {
    const entries = Object.entries(own).map(([name, value]) => [
      name,
      placeholders.includes(name) ? fillValue(value, filler, ['options', key, name], fault) : value,
    ]);
    filled[key] = Object.fromEntries(entries);
  }
  return filled as Options;
}
