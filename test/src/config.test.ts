import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError, isLoopback, printable, readConfig, VARIABLES } from '../../src/config.ts';

function linesOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.lines;
    throw error;
  }
  return [];
}

describe('readConfig', () => {
  test('an empty environment gives the documented defaults', () => {
    const { config, warnings } = readConfig({});
    expect(warnings).toEqual([]);
    expect(config).toEqual({
      host: '127.0.0.1',
      port: 7070,
      dataDir: './.runwire',
      token: null,
      tokenFile: null,
      allowedHosts: [],
      maxConcurrent: 64,
      maxCalls: 1000,
      maxQueue: 10_000,
      maxAssetBytes: 10 * 1024 ** 3,
      maxBodyBytes: 1_048_576,
      defaultTimeoutSeconds: null,
      maxTimeoutSeconds: null,
      killGraceSeconds: 2,
      maxOutputBytes: 2 ** 30,
      maxArtifactBytes: 2 ** 30,
      maxArtifactsBytes: 2 ** 32,
      maxArtifactsCount: 10_000,
      maxUploadBytes: 1024 ** 3,
      maxUploadFiles: 100_000,
      gitTimeoutSeconds: 300,
      maxWorkspaceBytes: 10 * 1024 ** 3,
      minFreeDiskBytes: 104_857_600,
      stalledClientSeconds: 300,
      retentionSeconds: 'default',
      retentionCount: 'default',
      retentionBytes: 'default',
      envPassthrough: [],
      httpAllow: [],
      httpDeny: [],
      secretsFile: null,
      publicUrl: null,
      dockerHost: null,
      dockerCertPath: null,
      dockerMountRoots: [],
      logLevel: 'info',
      logFormat: 'auto',
      drainSeconds: 30,
      onExit: 'auto',
      spawn: 'auto',
      fsync: 'off',
    });
  });

  test('values are read with their units, lists by comma or space', () => {
    const { config } = readConfig({
      RUNWIRE_PORT: '0',
      RUNWIRE_MAX_BODY_BYTES: '2MiB',
      RUNWIRE_MAX_OUTPUT_BYTES: '10 GiB',
      RUNWIRE_KILL_GRACE_SECONDS: '0.5',
      RUNWIRE_ENV_PASSTHROUGH: 'A, B C',
      RUNWIRE_RETENTION_COUNT: '0',
      RUNWIRE_ON_EXIT: 'leave',
    });
    expect(config).toMatchObject({
      port: 0,
      maxBodyBytes: 2_097_152,
      maxOutputBytes: 10 * 2 ** 30,
      killGraceSeconds: 0.5,
      envPassthrough: ['A', 'B', 'C'],
      retentionCount: 0,
      onExit: 'leave',
    });
  });

  test('a bound of retention may be none, which is not the same as absent', () => {
    const { config } = readConfig({
      RUNWIRE_RETENTION_SECONDS: 'none',
      RUNWIRE_RETENTION_COUNT: 'none',
      RUNWIRE_RETENTION_BYTES: '1GiB',
    });
    expect(config).toMatchObject({ retentionSeconds: null, retentionCount: null, retentionBytes: 2 ** 30 });
    const bad = {
      RUNWIRE_RETENTION_SECONDS: '0',
      RUNWIRE_RETENTION_COUNT: 'default',
      RUNWIRE_RETENTION_BYTES: '1GB',
    };
    expect(linesOf(bad)).toEqual([
      'RUNWIRE_RETENTION_SECONDS="0" must be more than 0, or none',
      'RUNWIRE_RETENTION_COUNT="default" must be a whole number, or none',
      'RUNWIRE_RETENTION_BYTES="1GB" must be a number of bytes, e.g. 1048576 or 1MiB, or none',
    ]);
  });

  test('a time limit may be none in words, and that of all is not over the longest', () => {
    const { config } = readConfig({
      RUNWIRE_DEFAULT_TIMEOUT_SECONDS: 'none',
      RUNWIRE_MAX_TIMEOUT_SECONDS: '60',
    });
    expect(config).toMatchObject({ defaultTimeoutSeconds: null, maxTimeoutSeconds: 60 });
    expect(linesOf({ RUNWIRE_DEFAULT_TIMEOUT_SECONDS: '61', RUNWIRE_MAX_TIMEOUT_SECONDS: '60' })).toEqual([
      'RUNWIRE_DEFAULT_TIMEOUT_SECONDS=61 is more than RUNWIRE_MAX_TIMEOUT_SECONDS=60',
    ]);
  });

  test.each(['256.1.1.1', '1.2.3', 'a b', 'host/path', '[::1', '-x', 'a..b'])('%s is no host', (host) => {
    expect(linesOf({ RUNWIRE_HOST: host })).toEqual([
      `RUNWIRE_HOST=${JSON.stringify(host)} must be a host name or address`,
    ]);
  });

  test('an empty value counts as absent', () => {
    expect(readConfig({ RUNWIRE_PORT: '', RUNWIRE_TOKEN: ' ' }).config).toMatchObject({
      port: 7070,
      token: null,
    });
  });

  test('every bad value has one line that names its variable', () => {
    const lines = linesOf({
      RUNWIRE_PORT: '70000',
      RUNWIRE_MAX_CONCURRENT: 'many',
      RUNWIRE_MAX_BODY_BYTES: '1MB',
      RUNWIRE_LOG_LEVEL: 'loud',
      RUNWIRE_DEFAULT_TIMEOUT_SECONDS: '0',
    });
    expect(lines).toEqual([
      'RUNWIRE_PORT="70000" must be 0 to 65535',
      'RUNWIRE_MAX_CONCURRENT="many" must be a whole number',
      'RUNWIRE_MAX_BODY_BYTES="1MB" must be a number of bytes, e.g. 1048576 or 1MiB',
      'RUNWIRE_DEFAULT_TIMEOUT_SECONDS="0" must be more than 0, or none',
      'RUNWIRE_LOG_LEVEL="loud" must be one of trace, debug, info, warn, error, fatal, silent',
    ]);
  });

  test.each([
    ['RUNWIRE_ALLOWED_HOSTS', 'http://x', 'must be host names'],
    ['RUNWIRE_ALLOWED_HOSTS', 'a/b', 'must be host names'],
    ['RUNWIRE_ALLOWED_HOSTS', 'me@host', 'must be host names'],
    ['RUNWIRE_ALLOWED_HOSTS', 'a.x,*.x', '"*.x" is none'],
    ['RUNWIRE_ALLOWED_HOSTS', 'a.x ü..x', '"ü..x" is none'],
    ['RUNWIRE_ALLOWED_HOSTS', '-a.x', '"-a.x" is none'],
    ['RUNWIRE_ALLOWED_HOSTS', '1.2.3', '"1.2.3" is none'],
    ['RUNWIRE_ALLOWED_HOSTS', '[2001:db8::1', '"[2001:db8::1" is none'],
    ['RUNWIRE_ALLOWED_HOSTS', '[2001:db8::g]', '"[2001:db8::g]" is none'],
    ['RUNWIRE_ALLOWED_HOSTS', '2001:db8::1', '(IPv6 in brackets)'],
    ['RUNWIRE_ALLOWED_HOSTS', '[a.x]', '"[a.x]" is none'],
    ['RUNWIRE_ALLOWED_HOSTS', 'a.x:0', '"a.x:0" is none'],
    ['RUNWIRE_ALLOWED_HOSTS', 'a.x:65536', '"a.x:65536" is none'],
    ['RUNWIRE_ALLOWED_HOSTS', 'a.x:', '"a.x:" is none'],
    ['RUNWIRE_HTTP_ALLOW', '10.0.0.0/8,10.0.0.0/33', '"10.0.0.0/33" is none'],
    ['RUNWIRE_HTTP_ALLOW', '10.0.0.0/1e1', '"10.0.0.0/1e1" is none'],
    ['RUNWIRE_HTTP_DENY', 'a.x,http://b.x', '"http://b.x" is none'],
    ['RUNWIRE_HTTP_DENY', '[a.x]', '"[a.x]" is none'],
    ['RUNWIRE_DOCKER_MOUNT_ROOTS', '/srv, here', '"here" is none'],
    ['RUNWIRE_ENV_PASSTHROUGH', 'A AWS_*', '"AWS_*" is none'],
    ['RUNWIRE_ENV_PASSTHROUGH', 'A,=', 'must be names of variables'],
    ['RUNWIRE_ENV_PASSTHROUGH', 'A,RUNWIRE_TOKEN', 'must not name what no program gets'],
    ['RUNWIRE_ENV_PASSTHROUGH', 'RUNWIRE_SECRET_A', 'must not name what no program gets'],
    ['RUNWIRE_MAX_BODY_BYTES', '99TiB', 'must be 1 to 256MiB'],
  ])('%s=%s stops the start', (variable, value, words) => {
    expect(linesOf({ [variable]: value })).toEqual([expect.stringContaining(words)]);
  });

  test.each(['host', 'host:8080', '[::1]:80', '127.0.0.1', '*', 'a.b,c_d:1'])(
    'the allowed host %s is one',
    (hosts) => {
      expect(linesOf({ RUNWIRE_ALLOWED_HOSTS: hosts })).toEqual([]);
    },
  );

  test('allowed hosts are kept in one spelling', () => {
    const { config } = readConfig({ RUNWIRE_ALLOWED_HOSTS: 'Ü.Example., [2001:DB8:0::1]:080,10.0.0.1:80' });
    expect(config.allowedHosts).toEqual(['xn--tda.example', '[2001:db8::1]:80', '10.0.0.1:80']);
  });

  test('an IPv6 address may stand in brackets as URLs have it', () => {
    expect(readConfig({ RUNWIRE_HOST: '[::1]' }).config.host).toBe('::1');
    expect(linesOf({ RUNWIRE_HTTP_ALLOW: '[2001:db8::1],[2001:db8::]/32' })).toEqual([]);
  });

  test('an entry that may hold a password is not repeated', () => {
    const lines = linesOf({
      RUNWIRE_ALLOWED_HOSTS: 'me:pass@host',
      RUNWIRE_HTTP_ALLOW: 'http://me:pass@host',
    });
    expect(lines).toHaveLength(2);
    expect(lines.join()).not.toContain('pass@');
  });

  test.each(['0.0.0.0', '::', '192.168.1.5', 'example.org'])('%s cannot be bound without a token', (host) => {
    expect(linesOf({ RUNWIRE_HOST: host })).toEqual([
      `RUNWIRE_HOST=${host} is not a loopback address: set RUNWIRE_TOKEN or RUNWIRE_TOKEN_FILE to serve others than this machine`,
    ]);
    expect(linesOf({ RUNWIRE_HOST: host, RUNWIRE_TOKEN: 'a-long-enough-token' })).toEqual([]);
  });

  test('a short token is refused where others reach the server, and warned of on loopback', () => {
    expect(linesOf({ RUNWIRE_HOST: '0.0.0.0', RUNWIRE_TOKEN: 'fifteen-letters' })).toEqual([
      expect.stringMatching(/^RUNWIRE_TOKEN is shorter than 16 characters.*RUNWIRE_HOST=0\.0\.0\.0/),
    ]);
    expect(linesOf({ RUNWIRE_HOST: '0.0.0.0', RUNWIRE_TOKEN: 'sixteen-letters!' })).toEqual([]);
    expect(readConfig({ RUNWIRE_TOKEN: 'a' }).warnings).toEqual([expect.stringContaining('is short')]);
  });

  test('a token that cannot stand in a header is refused without being repeated', () => {
    const lines = linesOf({ RUNWIRE_TOKEN: 'two words' });
    expect(lines).toEqual(['RUNWIRE_TOKEN must be visible ASCII characters without spaces']);
  });

  describe('the file of the token', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'runwire-token-')), 'token');
    afterAll(() => rmSync(dirname(file), { recursive: true }));
    const token = 'a-long-enough-token';

    test.each(['', '\n', '\r\n'])('is read without one newline at its end (%j)', (end) => {
      writeFileSync(file, token + end, { mode: 0o600 });
      const { config, warnings } = readConfig({ RUNWIRE_TOKEN_FILE: file, RUNWIRE_HOST: '0.0.0.0' });
      expect(config).toMatchObject({ token, tokenFile: file });
      expect(warnings).toEqual([]);
      expect(JSON.stringify(printable(config))).not.toContain(token);
    });

    test.each([
      ['', 'is empty'],
      ['\n', 'is empty'],
      [`${token}\n\n`, 'must hold visible ASCII characters without spaces, and one newline at most'],
      [` ${token}`, 'must hold visible ASCII characters without spaces, and one newline at most'],
      ['schlüssel', 'must hold visible ASCII characters without spaces, and one newline at most'],
    ])('is refused when it holds %j, which is not repeated', (content, why) => {
      writeFileSync(file, content);
      expect(linesOf({ RUNWIRE_TOKEN_FILE: file })).toEqual([`RUNWIRE_TOKEN_FILE="${file}" ${why}`]);
    });

    test('is refused when it cannot be read, and beside RUNWIRE_TOKEN', () => {
      expect(linesOf({ RUNWIRE_TOKEN_FILE: '/nowhere' })).toEqual([
        'RUNWIRE_TOKEN_FILE="/nowhere" cannot be read: no such file or directory',
      ]);
      expect(linesOf({ RUNWIRE_TOKEN_FILE: '/' })).toEqual(['RUNWIRE_TOKEN_FILE="/" is a directory']);
      expect(linesOf({ RUNWIRE_TOKEN_FILE: '/dev/zero' })).toEqual([
        'RUNWIRE_TOKEN_FILE="/dev/zero" holds more than 8192 bytes',
      ]);
      expect(linesOf({ RUNWIRE_TOKEN_FILE: file, RUNWIRE_TOKEN: token })).toEqual([
        'RUNWIRE_TOKEN and RUNWIRE_TOKEN_FILE are both set: leave one of them out',
      ]);
    });

    test('and that of secrets are warned of when every user may read them', () => {
      writeFileSync(file, token);
      chmodSync(file, 0o644);
      const { warnings } = readConfig({ RUNWIRE_TOKEN_FILE: file, RUNWIRE_SECRETS_FILE: file });
      expect(warnings).toEqual(
        ['RUNWIRE_TOKEN_FILE', 'RUNWIRE_SECRETS_FILE'].map(
          (name) => `${name}: every user of this machine can read ${file}: chmod 600 it`,
        ),
      );
    });
  });

  test('an unknown variable is a warning, what a run sets is not', () => {
    const { warnings } = readConfig({
      RUNWIRE_PROT: '1',
      RUNWIRE_INVOCATION_ID: 'x',
      RUNWIRE_TOKEN: 'short',
    });
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain('RUNWIRE_PROT');
    expect(warnings[1]).toContain('RUNWIRE_TOKEN');
  });

  test('the printable view has no secret', () => {
    const { config } = readConfig({ RUNWIRE_TOKEN: 'a-long-enough-token' });
    expect(JSON.stringify(printable(config))).not.toContain('a-long-enough-token');
    expect(printable(config)).toMatchObject({ token: '(set)', port: 7070 });
  });
});

test.each([
  ['localhost', true],
  ['127.9.0.1', true],
  ['::1', true],
  ['[::1]', true],
  ['127.0.0.1.example.org', false],
  ['0.0.0.0', false],
  ['10.0.0.1', false],
])('isLoopback(%s) is %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

test('docs/configuration.md lists exactly the variables there are', () => {
  const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
  const listed = [...page.matchAll(/^\| `([A-Z_]+)`/gm)].map(([, name]) => name);
  expect(listed.sort()).toEqual([...VARIABLES].sort());
});
