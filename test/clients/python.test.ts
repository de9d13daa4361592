import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { PythonTypes } from '../../scripts/python-type.ts';
import { pythonTypes } from '../../scripts/python-types.ts';
import { python, pythonSuite } from '../helpers/python-suite.ts';
import { requires } from '../helpers/require.ts';

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

describe('The documents of the Python client', () => {
  test('are those of openapi.yaml (if not: npm run openapi)', () => {
    expect(pythonTypes(parse(read('openapi.yaml')))).toBe(read('clients/python/src/runwire/openapi.py'));
  });

  test.each([
    [{ type: 'string', enum: ['a', 'b"'] }, String.raw`Literal["a", "b\""]`],
    [{ type: 'array', items: { anyOf: [{ type: 'string' }, { type: 'null' }] } }, 'list[str | None]'],
    [{ type: ['integer', 'null'] }, 'int | None'],
    [{ type: 'object', additionalProperties: { type: 'number' } }, 'dict[str, float]'],
    [{ const: true }, 'Literal[True]'],
    [{ $ref: '#/components/schemas/Record' }, 'Record'],
    [{}, 'Any'],
  ])('%j is %s', (schema, type) => {
    const types = new PythonTypes();
    types.add('Name', schema);
    expect(types.source()).toBe(`\nName: TypeAlias = ${JSON.stringify(type)}\n`);
  });

  test('are named after where they are, and may have names that are words of Python', () => {
    const types = new PythonTypes();
    const inner = { type: 'object', properties: { a_b: { type: 'string', description: 'says "so"' } } };
    types.add('Outer', { type: 'object', properties: { from: inner, to: inner }, required: ['to'] });
    expect(types.source()).toBe(`

class OuterFrom(TypedDict):
    a_b: NotRequired[str]
    """says "so" """


class OuterTo(TypedDict):
    a_b: NotRequired[str]
    """says "so" """

Outer = TypedDict(
    "Outer",
    {
        "from": "NotRequired[OuterFrom]",
        "to": "OuterTo",
    },
)
`);
  });

  test('pass over no keyword of which no type is known, and no name that is taken', () => {
    const types = new PythonTypes();
    expect(() => types.add('A', { type: 'object', properties: { a: { if: {} } } })).toThrow(
      'no type is known of if',
    );
    types.add('B', { type: 'string' });
    expect(() => types.add('B', { type: 'string' })).toThrow('two types would be called B');
  });
});

requires('python3')('The Python client without asyncio', () => {
  test('is that with it (if not: python3 clients/python/scripts/unasync.py)', async () => {
    expect(await python('python3', ['scripts/unasync.py', '--check'])).toEqual({ code: 0, said: '' });
  });
});

pythonSuite('rest');
