import { expect, test } from 'vitest';
import { callbackAddresses } from '../../../src/run/callback-address.ts';

test('an address proves itself for its run alone', () => {
  const addresses = callbackAddresses(undefined, () => 'https://runs.example:8443/x');
  const run = { id: 'a:b', createdAt: 1 };
  const url = new URL(addresses.of(run));
  expect(url.href).toMatch(
    /^https:\/\/runs\.example:8443\/x\/invocations\/a%3Ab\/callback\?token=[\w-]{43}$/,
  );
  const token = url.searchParams.get('token') ?? '';
  expect(addresses.proves(run, token)).toBe(true);
  expect(addresses.proves({ ...run, id: 'a' }, token)).toBe(false);
  expect(addresses.proves({ ...run, createdAt: 2 }, token)).toBe(false);
  for (const wrong of ['', 'x', `${token}A`, token.slice(1), 'é'.repeat(43), `${token}=`, ` ${token}`])
    expect(addresses.proves(run, wrong)).toBe(false);
  expect(callbackAddresses().proves(run, token)).toBe(false);
});
