import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { clientTypes } from '../../scripts/client-types.ts';
import { typeOf } from '../../scripts/schema-type.ts';

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

test('the types of the client are those of openapi.yaml (if not: npm run openapi)', () => {
  expect(clientTypes(parse(read('openapi.yaml')))).toBe(read('client/openapi.ts'));
});

test('a keyword of which no type is known is not passed over', () => {
  expect(() => typeOf({ type: 'object', properties: { a: { if: {} } } })).toThrow('no type is known of if');
});

test.each([
  [{ type: 'string', enum: ['a', "b'"] }, String.raw`'a' | 'b\''`],
  [{ type: 'array', items: { anyOf: [{ type: 'string' }, { type: 'null' }] } }, '(string | null)[]'],
  [{ type: ['string', 'null'] }, 'string | null'],
  [{ type: 'object', additionalProperties: { type: 'number' } }, '{\n  [name: string]: number;\n}'],
  [{ $ref: '#/components/schemas/Record' }, 'Record'],
  [{}, 'unknown'],
])('%j is %s', (schema, type) => {
  expect(typeOf(schema)).toBe(type);
});
