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
