import { expect, test } from 'vitest';
import { OnFinish } from '../../src/options.ts';

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
