import { expect, test } from 'vitest';
import { z } from 'zod';
import { fieldErrors } from '../../../src/documents/field-errors.ts';
import { WorkspaceUse } from '../../../src/documents/workspace-use.ts';

const errors = (schema: z.ZodType, value: unknown) => {
  const { error } = schema.safeParse(value);
  return error ? fieldErrors(error, ['options']).map(({ path, message }) => `${path}: ${message}`) : [];
};

test('what is missing is told apart from what is of another type, in the words of JSON', () => {
  const schema = z.strictObject({
    name: z.string(),
    size: z.number().int(),
    all: z.record(z.string(), z.string()),
  });
  expect(errors(schema, { size: '1h', all: [] })).toEqual([
    'options.name: is missing: must be a string',
    'options.size: must be a number',
    'options.all: must be an object',
  ]);
  expect(errors(schema, null)).toEqual(['options: must be an object']);
  expect(errors(z.strictObject({ size: z.int() }), { size: 1.5 })).toEqual([
    'options.size: must be a whole number',
  ]);
});

test('a body that is none at all is told as the body', () => {
  const { error } = z.strictObject({}).safeParse(null);
  expect(error && fieldErrors(error)).toEqual([{ path: '', message: 'the body must be an object' }]);
});

test('words that a schema has of its own stay', () => {
  expect(errors(z.strictObject({ url: z.string({ error: 'must be an address' }) }), {})).toEqual([
    'options.url: must be an address',
  ]);
});

test('of what may have several forms the faults of the one that was meant are told, or else which forms there are', () => {
  const schema = z.strictObject({ workspace: WorkspaceUse });
  expect(errors(schema, { workspace: { workspace_id: 'a' } })).toEqual([
    'options.workspace.id: is missing: must be a string',
    'options.workspace.workspace_id: is not a known field',
  ]);
  expect(errors(schema, { workspace: 'My Project' })).toEqual([
    expect.stringMatching(/^options.workspace: must be 1 to 128 of /),
  ]);
  expect(errors(schema, { workspace: 7 })).toEqual(['options.workspace: must be a string or an object']);
  expect(errors(schema, {})).toEqual(['options.workspace: must be a string or an object']);
});

test('sizes, choices and forms are told by what is taken', () => {
  const schema = z.strictObject({
    size: z.number().positive().max(5).optional(),
    mode: z.enum(['mount', 'copy', 'none']).optional(),
    word: z.string().min(1).max(3).optional(),
    words: z.array(z.string()).min(2).max(3).optional(),
    bytes: z.base64().optional(),
    either: z.union([z.literal('all'), z.number().int().positive(), z.array(z.string())]).optional(),
  });
  const said = (value: object): string => errors(schema, value).join('; ').replaceAll('options.', '');
  expect(said({ size: 0 })).toBe('size: must be more than 0');
  expect(said({ size: 6 })).toBe('size: must be at most 5');
  expect(said({ mode: 'x' })).toBe('mode: must be mount, copy or none');
  expect(said({ word: '' })).toBe('word: must not be empty');
  expect(said({ word: 'four' })).toBe('word: must have at most 3 characters');
  expect(said({ words: ['a'] })).toBe('words: must have at least 2 entries');
  expect(said({ bytes: '*' })).toBe('bytes: must be base64');
  expect(said({ either: 'some' })).toBe('either: must be all, a number or an array');
  expect(said({ either: 0 })).toBe('either: must be more than 0');
  expect(said({ either: [1] })).toBe('either.0: must be a string');
});
