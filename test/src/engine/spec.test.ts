import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Runner } from '../../../src/contract/runner.ts';
import { InvocationInput } from '../../../src/documents/invocation.ts';
import { withDefaults } from '../../../src/documents/invocation-defaults.ts';
import { completeInvocation } from '../../../src/engine/full-invocation.ts';
import { parseSpec } from '../../../src/engine/spec.ts';

const runner: Runner<{ image: string }> = {
  kind: 'docker',
  name: 'needs an image',
  description: '',
  spec: z.strictObject({ image: z.string() }),
  needsCommand: false,
  captures: false,
  run: () => Promise.reject(new Error('not run here')),
};

function invocation(options?: Record<string, unknown>) {
  const input = InvocationInput.parse({ runtime_kind: 'docker', ...(options && { options }) });
  const defaults = { defaultTimeoutSeconds: null, maxTimeoutSeconds: null };
  return completeInvocation(withDefaults(input, []), 'a', '/nowhere', defaults);
}

test('an exact RxP invocation is accepted and refused by name, where the kind needs more than RxP has', () => {
  const { spec, refusal } = parseSpec(runner, invocation());
  expect(spec).toBeNull();
  expect(refusal?.message).toContain('options.docker.image: ');
});

test('options of the kind that do not fit are the fault of the request', () => {
  expect(() => parseSpec(runner, invocation({ docker: { imge: 'x' } }))).toThrow(/options\.docker/);
});

test('options that fit become the spec', () => {
  expect(parseSpec(runner, invocation({ docker: { image: 'x' } }))).toEqual({
    spec: { image: 'x' },
    refusal: null,
  });
});
