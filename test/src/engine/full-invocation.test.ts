import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runDirectory } from '../../../src/disk/run-directory.ts';
import { Invocation, InvocationInput } from '../../../src/documents/invocation.ts';
import { withDefaults } from '../../../src/documents/invocation-defaults.ts';
import { completeInvocation } from '../../../src/engine/full-invocation.ts';
import { resolveWorkingPaths } from '../../../src/run/working-paths.ts';

/** As a server with the data directory /data does it. */
function complete(input: InvocationInput) {
  const { workingDirectory } = resolveWorkingPaths(input, runDirectory('/data', 'r'));
  return completeInvocation(withDefaults(input, []), 'r', workingDirectory, none);
}

const none = { defaultTimeoutSeconds: null, maxTimeoutSeconds: null };

test('what is absent is completed to the exact document', () => {
  expect(complete({ runtime_kind: 'subprocess' })).toEqual({
    schema_version: '0.1',
    contract_kind: 'runtime_invocation',
    invocation_id: 'r',
    runtime_name: 'subprocess',
    runtime_kind: 'subprocess',
    working_directory: '/data/runs/r/work',
    command: [],
    environment: {},
    timeout_seconds: null,
    input_payload_path: null,
    output_result_path: null,
    artifact_directory: null,
    metadata: {},
    options: {},
  });
});

test('an exact RxP invocation is accepted and stays as it is', () => {
  const exact = {
    schema_version: '0.1',
    contract_kind: 'runtime_invocation',
    invocation_id: 'r',
    runtime_name: 'name',
    runtime_kind: 'subprocess',
    working_directory: '/tmp',
    command: ['true'],
    environment: { A: '1' },
    timeout_seconds: 1.5,
    input_payload_path: 'in',
    output_result_path: '/out',
    artifact_directory: null,
    metadata: { k: 'v' },
  };
  const completed = complete(InvocationInput.parse(exact));
  expect(completed).toEqual({ ...exact, options: {} });
});

test('completing a completed invocation changes nothing, and it fits its own schema', () => {
  const texts = fc.string({ minLength: 1 }).filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(
      fc.record(
        {
          runtime_kind: fc.constantFrom('subprocess', 'container', 'x'),
          runtime_name: texts,
          working_directory: fc.option(texts),
          command: fc.array(texts, { minLength: 1 }),
          timeout_seconds: fc.option(fc.double({ min: 0.001, max: 1e9, noNaN: true })),
          metadata: fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }),
        },
        { requiredKeys: ['runtime_kind'] },
      ),
      (input) => {
        const once = Invocation.parse(complete(input));
        expect(complete({ ...input, ...once })).toEqual(once);
      },
    ),
  );
});
