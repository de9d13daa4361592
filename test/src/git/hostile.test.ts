import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type GitServer, gitServer, type TestRepository } from '../../fixtures/git-server.ts';
import { requires } from '../../helpers/require.ts';
import { Scene } from './scene.ts';

requires('git')('A hostile repository', () => {
  let server: GitServer;
  let scene: Scene;
  let count = 0;
  let repository: TestRepository;
  let url: string;

  beforeAll(async () => {
    server = await gitServer();
  });
  afterAll(() => server.close());
  beforeEach(() => {
    scene = new Scene();
    repository = server.repository(`r${++count}`);
    url = `${server.origin}/r${count}.git`;
    server.seen.length = 0;
  });
  afterEach(() => {
    server.instead = null;
    scene.remove();
  });

  test.each(['.git', '.GIT', 'git~1', '.g\u200cit', '..', '.'])(
    'with the name %j in a tree is refused',
    async (name) => {
      const file = { mode: '100755', id: repository.blob('#!/bin/sh\ntouch ran\n'), name: 'post-checkout' };
      const hooks = { mode: '40000', id: repository.tree([file]), name: 'hooks' };
      repository.commit(repository.tree([{ mode: '40000', id: repository.tree([hooks]), name }]));
      const words = expect.stringContaining('what it holds is refused');
      expect(await scene.refusal({ url })).toMatchObject({ path: 'from.git.url', words });
    },
  );

  test('with a file below a link is refused, and what the link leads to stays as it is', async () => {
    const outside = join(scene.root, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'passwd'), 'mine');
    const link = { mode: '120000', id: repository.blob(outside), name: 'a' };
    const below = repository.tree([{ mode: '100644', id: repository.blob('theirs'), name: 'passwd' }]);
    repository.commit(repository.tree([link, { mode: '40000', id: below, name: 'a' }]));
    expect(await scene.refusal({ url })).toMatchObject({
      path: 'from.git.url',
      words: expect.stringContaining('what it holds is refused'),
    });
    expect(readFileSync(join(outside, 'passwd'), 'utf8')).toBe('mine');
    expect(readdirSync(outside)).toEqual(['passwd']);
  });

  test('has links that lead anywhere as text, and they are not followed', async () => {
    const links = ['/etc', '../../..', '/proc/self/environ'];
    repository.commit(
      repository.tree(
        links.map((target, n) => ({ mode: '120000', id: repository.blob(target), name: `l${n}` })),
      ),
    );
    await scene.fill({ url });
    expect(links.map((_, n) => readlinkSync(join(scene.directory, `l${n}`)))).toEqual(links);
  });

  test('has names that differ in case only, and names that are not UTF-8', async () => {
    const id = repository.blob('x');
    const odd = Buffer.concat([Buffer.from('100644 b'), Buffer.from([0xff, 0]), Buffer.from(id, 'hex')]);
    const tree = (name: string) => Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.from(id, 'hex')]);
    const raw = Buffer.concat([tree('A'), tree('a'), odd]);
    repository.commit(repository.git(['hash-object', '-t', 'tree', '-w', '--literally', '--stdin'], raw));
    await scene.fill({ url });
    expect(readdirSync(scene.directory, { encoding: 'latin1' }).sort()).toEqual(['.git', 'A', 'a', 'b\xff']);
  });

  test('runs no filter and brings no submodule', async () => {
    const attributes = '* filter=evil diff=evil merge=evil\n';
    const modules = `[submodule "s"]\n\tpath = s\n\turl = ${server.origin}/other.git\n`;
    const commit = repository.files({
      '.gitattributes': attributes,
      '.gitmodules': modules,
      f: 'as it is\n',
    });
    const entries = repository.git(['ls-tree', commit]);
    repository.commit(repository.git(['mktree', '--missing'], `${entries}\n160000 commit ${commit}\ts\n`));
    await scene.fill({ url });
    expect(readFileSync(join(scene.directory, 'f'), 'utf8')).toBe('as it is\n');
    expect(readdirSync(join(scene.directory, 's'))).toEqual([]);
    expect(server.seen.every((request) => request.url?.startsWith(`/r${count}.git/`))).toBe(true);
  });

  test('with a name that no file can have is refused whole', async () => {
    repository.files({ a: '1' });
    const long = { mode: '100644', id: repository.blob('x'), name: 'n'.repeat(300) };
    repository.commit(repository.tree([{ mode: '100644', id: repository.blob('y'), name: 'a' }, long]));
    expect((await scene.refusal({ url })).words).toContain('a path that is too long');
  });

  test('that is larger than there is room for is refused: packed, on the disk, and by its files', async () => {
    repository.files({ large: randomBytes(3_000_000) });
    const place = { maxBytes: 1_000_000 };
    const refused = { code: 'workspace_full', words: 'the repository is too large: more than 1000000 bytes' };
    expect(await scene.refusal({ url }, {}, place)).toMatchObject(refused);
    const smaller = server.repository('zeros');
    smaller.files({ zeros: Buffer.alloc(3_000_000) });
    expect(await scene.refusal({ url: `${server.origin}/zeros.git` }, {}, place)).toMatchObject(refused);
    const many = server.repository('many');
    many.files(Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`d${n}/f`, ''])));
    expect(await scene.refusal({ url: `${server.origin}/many.git` }, { maxFiles: 100 })).toMatchObject({
      code: 'workspace_full',
      words: 'the repository is too large: more than 100 files (RUNWIRE_MAX_UPLOAD_FILES)',
    });
    await scene.fill({ url: `${server.origin}/many.git` }, { maxFiles: 200 });
  });

  test('whose text grows when it is written is refused by what is there then', async () => {
    repository.files({
      '.gitattributes': '* text working-tree-encoding=UTF-32\n',
      large: 'x'.repeat(600_000),
    });
    expect(await scene.refusal({ url }, {}, { maxBytes: 1_000_000 })).toMatchObject({
      code: 'workspace_full',
    });
    expect(
      execFileSync('git', ['ls-tree', '-l', 'main', 'large'], { cwd: repository.directory }).toString(),
    ).toContain(' 600000\t');
  });

  test('with more files than atoms in a few small trees is refused, and nothing of it is written', async () => {
    let id = repository.blob('');
    let mode = '100644';
    for (let level = 0; level < 12; level++) {
      const entries = Array.from({ length: 100 }, (_, n) => ({
        mode,
        id,
        name: `n${String(n).padStart(3, '0')}`,
      }));
      [id, mode] = [repository.tree(entries), '40000'];
    }
    repository.commit(id);
    expect(
      await scene.refusal({ url }, { maxFiles: 100_000 }, { maxBytes: Number.POSITIVE_INFINITY }),
    ).toMatchObject({
      code: 'workspace_full',
      words: expect.stringContaining('more than 100000 files'),
    });
  });

  test('that sends without an end is stopped', async () => {
    repository.files({ a: '1' });
    let sent = 0;
    server.instead = (request, response) => {
      if (!request.url?.endsWith('/git-upload-pack') || server.seen.length < 4) return false;
      response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' });
      response.write(packet('packfile\n'));
      const head = Buffer.alloc(12);
      head.write('PACK');
      head.writeUInt32BE(2, 4);
      head.writeUInt32BE(1, 8);
      response.write(band(head));
      // One blob of 2 GiB, stored and not compressed: what comes in is written as it is.
      response.write(band(Buffer.from([0xb0, 0x80, 0x80, 0x80, 0x40, 0x78, 0x01])));
      const block = Buffer.alloc(60_005, 1);
      block.writeUInt8(0, 0);
      block.writeUInt16LE(60_000, 1);
      block.writeUInt16LE(60_000 ^ 0xffff, 3);
      const more = (): void => {
        for (let room = true; room && !response.destroyed; sent += block.length)
          room = response.write(band(block));
      };
      response.on('drain', more);
      more();
      return true;
    };
    const refused = await scene.refusal({ url }, {}, { maxBytes: 5_000_000 });
    expect(refused).toMatchObject({
      code: 'workspace_full',
      words: 'the repository is too large: more than 5000000 bytes',
    });
    expect(sent).toBeGreaterThan(4_000_000);
  });

  test('that breaks off is told as such', async () => {
    repository.files({ large: randomBytes(1_000_000) });
    server.instead = (request, response) => {
      if (!request.url?.endsWith('/git-upload-pack')) return false;
      const write = response.write.bind(response);
      let sent = 0;
      response.write = (chunk: Buffer) => {
        sent += chunk.length;
        if (sent > 300_000) response.destroy();
        return write(chunk);
      };
      return false;
    };
    expect(await scene.refusal({ url })).toMatchObject({
      path: 'from.git.url',
      words: expect.stringContaining('127.0.0.1 broke off'),
    });
  });

  test('that says nothing is left in time', async () => {
    for (const from of [1, 2]) {
      server.seen.length = 0;
      server.instead = () => server.seen.length >= from;
      expect(await scene.refusal({ url }, { timeoutSeconds: 0.5 })).toMatchObject({
        path: 'from.git',
        words: 'from.git: took longer than 0.5 s (RUNWIRE_GIT_TIMEOUT_SECONDS)',
      });
    }
  });

  test('with the directory of another in alternates is not followed', async () => {
    // What the dumb protocol would read.
    repository.write('objects/info/http-alternates', `${server.origin}/secret.git/objects\n`);
    server.instead = (request, response) => {
      if (!request.url?.includes('/info/refs')) return false;
      response.writeHead(200, { 'content-type': 'text/plain' }).end(`${'a'.repeat(40)}\trefs/heads/main\n`);
      return true;
    };
    expect((await scene.refusal({ url })).words).toContain('not served by the smart HTTP protocol');
    expect(server.seen).toHaveLength(1);
  });

  test('leaves files and directories of the modes that git has, whatever the server was started with', async () => {
    repository.files({ 'd/f': 'x' });
    const before = process.umask(0o077);
    try {
      await scene.fill({ url });
    } finally {
      process.umask(before);
    }
    expect(lstatSync(join(scene.directory, 'd')).mode & 0o777).toBe(0o755);
    expect(lstatSync(join(scene.directory, 'd/f')).mode & 0o777).toBe(0o644);
  });
});

const packet = (text: string): string => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`;

/** On the side band of the pack. */
function band(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${(bytes.length + 5).toString(16).padStart(4, '0')}\x01`), bytes]);
}
