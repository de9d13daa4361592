import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { maySendTo, readSecrets } from '../../../src/outbound/secrets.ts';
import { baseEnvironment } from '../../../src/run/process-environment.ts';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'runwire-secrets-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function file(content: string): string {
  const path = join(dir, 'secrets.json');
  writeFileSync(path, content);
  return path;
}

test('secrets come from variables and from a file, which wins', () => {
  const path = file(
    JSON.stringify({ B: 'from file', c: { value: 'bound', hosts: ['*.example.com', 'localhost'] } }),
  );
  const secrets = readSecrets(
    { RUNWIRE_SECRET_A: 'a', RUNWIRE_SECRET_B: 'b', RUNWIRE_SECRET_D: '', HOME: '/' },
    path,
  );
  expect([...secrets.keys()].sort()).toEqual(['A', 'B', 'c']);
  expect(secrets.get('B')?.value).toBe('from file');
});

test('a secret with hosts is sent to no other', () => {
  const secret = { value: 'x', hosts: ['*.example.com', 'localhost'] };
  for (const host of ['api.example.com', 'API.EXAMPLE.COM.', 'localhost'])
    expect(maySendTo(secret, host)).toBe(true);
  for (const host of ['example.com', 'badexample.com', 'api.example.com.evil.net', '127.0.0.1'])
    expect(maySendTo(secret, host), host).toBe(false);
  expect(maySendTo({ value: 'x', hosts: null }, 'anywhere')).toBe(true);
});

test('hosts are matched in the spelling that URLs have', () => {
  const path = file('{"secret": {"value": "x", "hosts": ["*.bücher.example", "[::1]"]}}');
  const secret = readSecrets({}, path).get('secret') ?? { value: '', hosts: [] };
  for (const url of ['http://api.BÜCHER.example/', 'http://api.bücher.example./', 'http://[0:0::1]/'])
    expect(maySendTo(secret, new URL(url).hostname), url).toBe(true);
  for (const url of ['http://api.bucher.example/', 'http://bücher.example/', 'http://[::2]/'])
    expect(maySendTo(secret, new URL(url).hostname), url).toBe(false);
});

test.each([
  ['{"name": "hush', 'is not valid JSON'],
  ['{"name": 7, "other": {"value": "hush", "host": []}}', 'name, other must be'],
  ['{"name": "hu\\nsh"}', 'name must be'],
  ['{"name": {"value": "hush", "hosts": ["https://a.example"]}}', 'name must be'],
  ['{"name": {"value": "hush", "hosts": ["a.example", "b.example:443"]}}', 'name must be'],
])('the file %j is refused without its values', (content, words) => {
  const attempt = () => readSecrets({}, file(content));
  expect(attempt).toThrow(words);
  expect(attempt).not.toThrow('hush');
});

test('a file that is not there stops the start', () => {
  expect(() => readSecrets({}, join(dir, 'none'))).toThrow('RUNWIRE_SECRETS_FILE');
});

test('no program gets a secret of the server, whatever passes through', () => {
  const names = ['RUNWIRE_SECRET_A', 'RUNWIRE_TOKEN', 'PATH'];
  const env = { RUNWIRE_SECRET_A: 'a', RUNWIRE_TOKEN: 't', PATH: '/bin' };
  expect(baseEnvironment(env, names)).toEqual({ PATH: '/bin' });
});
