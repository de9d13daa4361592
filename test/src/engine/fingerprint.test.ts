import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../../src/documents/canonical-json.ts';
import type { InvocationInput } from '../../../src/documents/invocation.ts';
import { fingerprint } from '../../../src/engine/fingerprint.ts';

const body: InvocationInput = {
  runtime_kind: 'docker',
  command: ['a', 'b'],
  environment: { B: '2', A: '1' },
  options: { stdin: 'x', limits: { cpu_seconds: 1 } },
};

test('the order of keys does not matter, at any depth', () => {
  const other: InvocationInput = {
    options: { limits: { cpu_seconds: 1 }, stdin: 'x' },
    environment: { A: '1', B: '2' },
    command: ['a', 'b'],
    runtime_kind: 'docker',
  };
  expect(fingerprint(other)).toBe(fingerprint(body));
  expect(fingerprint(body)).toMatch(/^[0-9a-f]{64}$/);
});

test.each<[string, Partial<InvocationInput>]>([
  ['the order of arguments', { command: ['b', 'a'] }],
  ['another word for the kind', { runtime_kind: 'container' }],
  ['an id', { invocation_id: 'one' }],
  ['a null where nothing was', { timeout_seconds: null }],
  [
    'another secret',
    { options: { stdin: 'x', limits: { cpu_seconds: 1 }, on_finish: { url: 'http://h/', secret: 's' } } },
  ],
])('%s makes another body', (_what, change) => {
  expect(fingerprint({ ...body, ...change })).not.toBe(fingerprint(body));
});

test('an undefined member is an absent one', () => {
  expect(fingerprint({ ...body, metadata: undefined } as InvocationInput)).toBe(fingerprint(body));
});

test('canonical JSON means what JSON means and is the same for every order of keys', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(canonicalJson(reversed(value))).toBe(text);
    }),
  );
});

test('a document that is nested too deeply is refused and does not exhaust the stack', () => {
  const deep: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
  expect(() => canonicalJson(deep)).toThrow(expect.objectContaining({ code: 'invalid_invocation' }));
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  );
}
