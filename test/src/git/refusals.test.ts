import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { addressGuard } from '../../../src/outbound/address-guard.ts';
import { makeCertificates } from '../../fixtures/certificates.ts';
import { type GitServer, gitServer } from '../../fixtures/git-server.ts';
import { requires } from '../../helpers/require.ts';
import { Scene } from './scene.ts';

const TOKEN = 'tok-en/+=&"value';
const secrets = new Map([
  ['token', { value: TOKEN, hosts: null }],
  ['pair', { value: `somebody:${TOKEN}`, hosts: ['127.0.0.1'] }],
  ['whole', { value: `Bearer ${TOKEN}`, hosts: null }],
  ['elsewhere', { value: TOKEN, hosts: ['*.example.org'] }],
]);

requires('git')('A git address', () => {
  let server: GitServer;
  let scene: Scene;
  const url = (): string => `${server.origin}/project.git`;

  beforeAll(async () => {
    server = await gitServer();
    server.repository('project').files({ a: '1' });
  });
  afterAll(() => server.close());
  beforeEach(() => {
    scene = new Scene();
    server.seen.length = 0;
  });
  afterEach(() => {
    server.instead = null;
    scene.remove();
  });

  test.each([
    ['file:///etc', 'must be an https or http URL, not file'],
    ['ssh://git@localhost/x', 'must be an https or http URL, not ssh'],
    ['git://localhost/x', 'must be an https or http URL, not git'],
    ['ext::sh -c id', 'must be an https or http URL, not ext'],
    ['ftp://localhost/x', 'must be an https or http URL, not ftp'],
    ['git@localhost:x', 'must be an https or http URL'],
    ['/etc', 'must be an https or http URL'],
    ['--upload-pack=id', 'must be an https or http URL'],
    ['http://user:password@localhost/x', 'must not contain a user or password'],
    ['http://localhost/x?token=y', 'must have no query'],
    ['http://+localhost/x', 'has a host that is no plain name'],
    ['http://-localhost/x', 'has a host that is no plain name'],
    ['http://*/x', 'has a host that is no plain name'],
  ])('%s is refused before anything is asked', async (address, words) => {
    expect(() => scene.source().check({ url: address })).toThrow(words);
    expect(await scene.refusal({ url: address })).toMatchObject({
      code: 'invalid_field',
      path: 'from.git.url',
      words: expect.stringContaining(words),
    });
  });

  test.each([
    '-x',
    '--upload-pack=id',
    '',
    'a b',
    'a..b',
    'a\nb',
    '/a',
    'a/',
    'a//b',
    '.a',
    'x/.a',
    'a.lock',
    '@{1}',
    'a~1',
    'a^',
    'a:b',
    'a*',
    '@',
  ])('the ref %j is refused before anything is asked', async (ref) => {
    expect(() => scene.source().check({ url: url(), ref })).toThrow('from.git.ref');
    expect(await scene.refusal({ url: url(), ref })).toMatchObject({
      code: 'invalid_field',
      path: 'from.git.ref',
    });
    expect(server.seen).toEqual([]);
  });

  test('says which ref is not there', async () => {
    const words = expect.stringContaining('there is no nowhere in the repository');
    expect(await scene.refusal({ url: url(), ref: 'nowhere' })).toMatchObject({
      path: 'from.git.ref',
      words,
    });
    const id = 'a'.repeat(40);
    expect(await scene.refusal({ url: url(), ref: id })).toMatchObject({
      path: 'from.git.ref',
      words: expect.stringContaining(`there is no ${id} in the repository`),
    });
    expect(await scene.refusal({ url: url(), ref: 'refs/pull/1/head' })).toMatchObject({
      path: 'from.git.ref',
    });
  });

  test('of a denied address is asked nothing', async () => {
    const guard = addressGuard({ deny: ['127.0.0.0/8', 'denied.example'] });
    const words = expect.stringContaining('calls to 127.0.0.1 are not allowed by this server');
    expect(await scene.refusal({ url: url() }, { guard })).toMatchObject({ path: 'from.git.url', words });
    for (const spelling of ['0x7f.1', '2130706433', '[::ffff:127.0.0.1]', 'localhost', '0.0.0.0'])
      expect(
        await scene.refusal({ url: `http://${spelling}:${server.port}/project.git` }, { guard }),
      ).toMatchObject({
        path: 'from.git.url',
        words: expect.stringContaining('are not allowed by this server'),
      });
    expect(() => scene.source({ guard }).check({ url: url() })).toThrow('from.git.url: calls to 127.0.0.1');
    expect(() => scene.source({ guard }).check({ url: 'http://denied.example./x' })).toThrow('not allowed');
    expect(server.seen).toEqual([]);
  });

  test.each([
    [404, {}, 'from.git.url', 'there is no repository, or it needs another secret (404)'],
    [403, {}, 'from.git.url', '127.0.0.1 refuses (403)'],
    [401, { 'www-authenticate': 'Basic' }, 'from.git.secret', '127.0.0.1 asks for one'],
    [503, {}, 'from.git.url', '127.0.0.1 answers 503'],
    [200, { 'content-type': 'text/html' }, 'from.git.url', 'there is no git repository'],
  ])('that answers %i %j is told as such', async (status, headers, path, words) => {
    server.instead = (_, response) => {
      response.writeHead(status, headers).end('x');
      return true;
    };
    expect(await scene.refusal({ url: url() })).toMatchObject({
      path,
      words: expect.stringContaining(words),
    });
  });

  test('says where a redirect leads, and does not follow it', async () => {
    server.instead = (request, response) => {
      const location = `http://user:pw@127.0.0.1:${server.port}/moved.git${request.url?.replace('/project.git', '')}`;
      response.writeHead(301, { location }).end();
      return true;
    };
    const words = expect.stringContaining(`redirects to ${server.origin}/moved.git: name that address`);
    expect(await scene.refusal({ url: url() })).toMatchObject({ path: 'from.git.url', words });
    expect(server.seen.map((request) => request.url)).toEqual([
      '/project.git/info/refs?service=git-upload-pack',
    ]);
  });

  test('that redirects only later is not followed either', async () => {
    server.instead = (_, response) => {
      if (server.seen.length < 2) return false;
      response.writeHead(302, { location: `${server.origin}/elsewhere.git/info/refs` }).end();
      return true;
    };
    expect(await scene.refusal({ url: url() })).toMatchObject({
      path: 'from.git.url',
      words: expect.stringContaining('the server redirects, which is not followed'),
    });
    expect(server.seen.every((request) => request.url?.startsWith('/project.git'))).toBe(true);
  });

  test.each([
    ['token', `Basic ${Buffer.from(`x-access-token:${TOKEN}`).toString('base64')}`],
    ['pair', `Basic ${Buffer.from(`somebody:${TOKEN}`).toString('base64')}`],
    ['whole', `Bearer ${TOKEN}`],
  ])('takes the secret %s, in every request and in nothing that is kept', async (secret, authorization) => {
    server.instead = (request, response) => {
      if (request.headers.authorization === authorization) return false;
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      return true;
    };
    await scene.fill({ url: url(), secret }, { secrets });
    expect(server.seen.length).toBeGreaterThan(2);
    const config = readFileSync(join(scene.directory, '.git/config'), 'utf8');
    expect(config).toContain(url());
    for (const word of ['xtraheader', 'uthorization', TOKEN, authorization])
      expect(config).not.toContain(word);
  });

  test('says of a secret that it is not known, not for this host, or not taken', async () => {
    const refusal = async (secret: string) =>
      (await scene.refusal({ url: url(), secret }, { secrets })).words;
    expect(await refusal('unknown')).toContain('from.git.secret: the server holds no secret "unknown"');
    expect(await refusal('elsewhere')).toContain(
      'from.git.secret: the secret "elsewhere" is not for 127.0.0.1',
    );
    expect(server.seen).toEqual([]);
    server.instead = (_, response) => {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      return true;
    };
    expect(await refusal('token')).toContain('from.git.secret: 127.0.0.1 does not take it (401)');
  });

  test('does not get its secret into our words, whatever it echoes', async () => {
    const encoded = Buffer.from(`x-access-token:${TOKEN}`).toString('base64');
    const echoes = [TOKEN, encoded, encodeURIComponent(TOKEN), `Basic ${encoded}`];
    for (const echo of echoes) {
      server.seen.length = 0;
      server.instead = (_, response) => {
        if (server.seen.length < 2) return false;
        const line = `ERR you said ${echo} and more`;
        const packet = `${(line.length + 4).toString(16).padStart(4, '0')}${line}`;
        response
          .writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' })
          .end(packet);
        return true;
      };
      const { words } = await scene.refusal({ url: url(), secret: 'token' }, { secrets });
      expect(words).toContain('you said [redacted] and more');
    }
    server.instead = (_, response) => {
      response.writeHead(302, { location: `http://127.0.0.1/${encodeURIComponent(TOKEN)}` }).end();
      return true;
    };
    const { words } = await scene.refusal({ url: url(), secret: 'token' }, { secrets });
    expect(words).toContain('redirects to http://127.0.0.1/[redacted]');
  });

  test('needs a git that is there and new enough', async () => {
    const path = join(scene.root, 'bin');
    expect(() => scene.source({ path }).check({ url: url() })).toThrow(
      'from.git: git is not installed on the server',
    );
    mkdirSync(path);
    writeFileSync(join(path, 'git'), '#!/bin/sh\necho git version 2.36.9\n', { mode: 0o755 });
    expect(await scene.refusal({ url: url() }, { path })).toMatchObject({
      path: 'from.git',
      words: expect.stringContaining('the git of the server is too old: 2.37 or later is needed'),
    });
    expect(server.seen).toEqual([]);
  });

  test('over TLS at a port that does not speak it is told in one line of words', async () => {
    const { path, words } = await scene.refusal({ url: url().replace('http:', 'https:') });
    expect(path).toBe('from.git.url');
    expect(words).toMatch(
      /^from\.git\.url: \S+ cannot be reached: TLS: the other side does not speak it, [ \w()]+$/,
    );
  });

  test('over TLS needs a certificate that this server trusts, and git looks for itself', async () => {
    const trusted = makeCertificates();
    const tls = await gitServer(trusted);
    tls.repository('project').files({ a: '1' });
    const refused = {
      path: 'from.git.url',
      words: expect.stringMatching(/cannot be reached: .*certificate/),
    };
    const authorities = getCACertificates('default');
    try {
      expect(await scene.refusal({ url: `${tls.origin}/project.git` })).toMatchObject(refused);
      expect(tls.seen).toEqual([]);
      setDefaultCACertificates([...authorities, trusted.ca]);
      tls.instead = () => {
        tls.present(makeCertificates());
        return false;
      };
      const { words } = await scene.refusal({ url: `${tls.origin}/project.git` });
      expect(words).toMatch(/certificate/);
      expect(tls.seen).toHaveLength(1);
      tls.instead = null;
      tls.present(trusted);
      await scene.fill({ url: `${tls.origin}/project.git` });
    } finally {
      setDefaultCACertificates(authorities);
      await tls.close();
    }
  });

  test('that nobody listens at, or that has no address, is told as such', async () => {
    const gone = await gitServer();
    await gone.close();
    expect((await scene.refusal({ url: `${gone.origin}/x.git` })).words).toContain('ECONNREFUSED');
    expect((await scene.refusal({ url: 'http://no-such-host.invalid/x.git' })).words).toContain(
      'no-such-host.invalid',
    );
  });
});
