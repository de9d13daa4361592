import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exactInvocation } from '../../../src/documents/exact-invocation.ts';
import type { Invocation } from '../../../src/documents/invocation.ts';
import { expectRxp, RXP } from '../../helpers/rxp.ts';

const stored: Invocation = {
  schema_version: '0.1',
  contract_kind: 'runtime_invocation',
  invocation_id: 'a',
  runtime_name: 'name',
  runtime_kind: 'async-http',
  working_directory: '/tmp',
  command: [],
  environment: { A: 'b' },
  timeout_seconds: 1.2,
  input_payload_path: null,
  output_result_path: null,
  artifact_directory: null,
  metadata: {},
  options: { stdin: 'x' },
};

test('no options, no part of a second, a command, and the word of RxP', () => {
  const { options, ...rest } = stored;
  expect(exactInvocation(stored, 'http_async')).toEqual({
    ...rest,
    runtime_kind: 'http_async',
    command: ['http_async'],
    timeout_seconds: 2,
  });
});

test('a command and whole seconds stay, and so does no timeout', () => {
  const exact = exactInvocation({ ...stored, command: ['a', ''], timeout_seconds: 3 }, 'subprocess');
  expect(exact).toMatchObject({ command: ['a', ''], timeout_seconds: 3 });
  expect(exactInvocation({ ...stored, timeout_seconds: null }, 'manual').timeout_seconds).toBeNull();
});

test('whatever is stored, the document is RxP, and no timeout is shorter', () => {
  const text = fc.string();
  const path = fc.option(fc.string({ minLength: 1 }));
  const invocation = fc.record({
    timeout_seconds: fc.option(fc.double({ min: Number.MIN_VALUE, max: 1e9, noNaN: true })),
    command: fc.array(text),
    environment: fc.dictionary(text, text),
    input_payload_path: path,
    artifact_directory: path,
  });
  fc.assert(
    fc.property(invocation, fc.constantFrom('container', 'unknown'), (more, kind) => {
      const exact = exactInvocation({ ...stored, ...more }, kind);
      expectRxp(exact, RXP.invocation);
      expect(Object.keys(exact)).toHaveLength(13);
      expect((exact.timeout_seconds ?? 0) >= (more.timeout_seconds ?? 0)).toBe(true);
    }),
  );
});
