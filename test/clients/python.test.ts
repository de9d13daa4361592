import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { PythonTypes } from '../../scripts/python-type.ts';
import { pythonTypes } from '../../scripts/python-types.ts';
import { compileCache } from '../helpers/compiled-once.ts';
import { PYTHON_CLIENT, pythonRoom } from '../helpers/python.ts';
import { isDemanded, requires } from '../helpers/require.ts';

/** What a hang needs; the wait for it is never asserted. */
const LONG = 900_000;
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

requires('python')('The Python client', () => {
  let room = '';
  let absent: string | undefined;
  beforeAll(async () => {
    try {
      room = await pythonRoom();
    } catch (error) {
      if (isDemanded('python')) throw error;
      absent = `needs python: what its tests need cannot be installed: ${reasonOf(error)}`;
    }
  }, LONG);

  const files = globSync('tests/{,_async/,_sync/}test_*.py', { cwd: PYTHON_CLIENT }).toSorted();
  test('has tests', () => expect(files.length).toBeGreaterThan(10));

  test.for(files)('passes %s', { timeout: LONG }, async (file, { skip }) => {
    skip(absent !== undefined, absent);
    const words = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', file];
    const { code, said } = await python(room, words);
    expect(code, said).toBe(0);
    expect(said).toMatch(/\d+ passed/);
  });
});

/** Ended as a person at a terminal does it, so that what it started ends too. */
function python(program: string, words: string[]): Promise<{ code: unknown; said: string }> {
  const env = {
    ...{ PATH: process.env.PATH, HOME: process.env.HOME, ...compileCache() },
    RUNWIRE_TEST_NODE: process.execPath,
    PYTHONDONTWRITEBYTECODE: '1',
  };
  const options = {
    cwd: PYTHON_CLIENT,
    env,
    timeout: LONG - 60_000,
    killSignal: 'SIGINT',
    maxBuffer: 1 << 26,
  } as const;
  return new Promise((done) =>
    execFile(program, words, options, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : (error.code ?? error.signal), said: stdout + stderr }),
    ),
  );
}

function reasonOf(error: unknown): string {
  const { stderr = '', message } = error as { stderr?: string; message: string };
  return stderr.trim().split('\n').at(-1) || message;
}
