import { expect, test } from 'vitest';
import { InvocationInput } from '../../../src/documents/invocation.ts';
import { OnFinish } from '../../../src/documents/options.ts';

test.each(['plain words', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_YQ=='])(
  '%s can sign a result',
  (secret) => {
    expect(OnFinish.safeParse({ url: 'https://example.com/', secret }).success).toBe(true);
  },
);

test.each(['', 'whsec_', 'whsec_!!', 'whsec_a b'])(
  '%j would sign with a key that nobody has, and is refused',
  (secret) => {
    const parsed = OnFinish.safeParse({ url: 'https://example.com/', secret });
    expect(parsed.error?.issues[0]?.path).toEqual(['secret']);
  },
);

test.each([
  { given: { options: { stdin: 'x', stdin_open: true } }, path: ['options', 'stdin_open'] },
  { given: { input_payload_path: 'in', options: { stdin: 'x' } }, path: ['options', 'stdin'] },
  { given: { input_payload_path: 'in', options: { stdin_open: true } }, path: ['options', 'stdin_open'] },
])('standard input comes from one place: $given is refused', ({ given, path }) => {
  const parsed = InvocationInput.safeParse({ runtime_kind: 'subprocess', command: ['cat'], ...given });
  expect(parsed.error?.issues.map((issue) => issue.path)).toEqual([path]);
});

test.each([
  { options: { stdin: 'x' } },
  { options: { stdin_open: true }, input_payload_path: null },
  { input_payload_path: 'in', options: { stdin_open: false } },
])('standard input comes from one place: %j is taken', (given) => {
  const input = { runtime_kind: 'subprocess', command: ['cat'], ...given };
  expect(InvocationInput.safeParse(input).success).toBe(true);
});
