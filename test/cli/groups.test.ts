import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { clientServer, TOKEN } from '../helpers/client-server.ts';
import { runwire } from '../helpers/command-line.ts';
import { own } from '../helpers/own-id.ts';
import { telling } from '../helpers/told-cli.ts';
import { treeHere } from '../helpers/tree-here.ts';
import { workingPlace } from '../helpers/working-place.ts';

const server = clientServer();
const place = workingPlace();
const tell = telling(server, place);
/** What it prints, without the line break; it must end with 0, and say nothing. */
const ask = async (...words: string[]): Promise<string> => {
  const { code, out, error } = await tell(words);
  expect([code, error]).toEqual([0, '']);
  return out.trimEnd();
};
const jsonOf = async (...words: string[]) => JSON.parse(await ask(...words));

describe('runwire workspace', () => {
  test('makes one, fills it, works in it, compares, puts back, and removes it', async () => {
    const id = own('workspace');
    mkdirSync(place.at('src/empty'), { recursive: true });
    writeFileSync(place.at('src/a'), 'one\n');
    symlinkSync('a', place.at('src/l'));
    expect(
      await ask('workspace', 'create', id, '--upload', 'src/a:first', '-l', 'of=test', '--ttl', '1h'),
    ).toBe(id);
    await ask('workspace', 'push', id, 'src');
    await ask('workspace', 'push', id, 'src', '--to', 'deep/er');
    await ask('workspace', 'push', id, 'src/empty');
    const before = await ask('workspace', 'snapshot', id, '--ignore', 'first');
    await ask('run', '--workspace', id, '--', 'sh', '-c', 'echo two >> a; mkdir d; echo 3 > d/new; rm l');
    const table = await ask('workspace', 'diff', id, before);
    expect(table.split('\n').map((line) => line.replaceAll(/ +/g, ' '))).toEqual([
      'CHANGE + - PATH',
      'modified 1 0 a',
      'created 1 0 d/new',
      'created 1 0 first',
      'deleted 0 1 l (link)',
    ]);
    expect(await ask('workspace', 'diff', '-q', id, before)).toBe('a\nd/new\nfirst\nl');
    expect((await jsonOf('workspace', 'diff', '-o', 'json', id, before)).stats.created).toBe(2);
    writeFileSync(place.at('patch'), `${await ask('workspace', 'diff', '-p', id, before)}\n`);
    execFileSync('git', ['apply', '../patch'], { cwd: place.at('src') });
    expect(readFileSync(place.at('src/a'), 'utf8')).toBe('one\ntwo\n');
    await ask('workspace', 'pull', id, 'out', '--glob', 'd/**');
    expect(Object.keys(treeHere(place.at('out')))).toEqual(['d', 'd/new']);
    await ask('workspace', 'restore', '--overlay', id, before);
    await ask('workspace', 'pull', id, 'out');
    expect(Object.keys(treeHere(place.at('out')))).toContain('first');
    await ask('workspace', 'restore', id, before);
    expect(await jsonOf('workspace', 'show', id, '-o', 'json')).toMatchObject({
      files: 2,
      metadata: { of: 'test' },
    });
    expect(await ask('workspace', 'show', id)).toMatch(
      new RegExp(`^id +${id}\nstate +ready\nfiles +2, 8 B\n`),
    );
    expect((await ask('workspace', 'ls', '-q')).split('\n')).toContain(id);
    const listed = (await ask('workspace', 'ls', '-o', 'jsonl')).split('\n').map((line) => JSON.parse(line));
    expect(listed.map(({ workspace_id }) => workspace_id)).toContain(id);
    const again = await ask('ws', 'create', '--from', `snap/${before}`);
    expect(await ask('workspace', 'diff', again)).toBe('CHANGE  +  -  PATH');
    expect(await ask('snapshot', 'ls', '-q', '--workspace', id)).toBe(`${before}\n${id}.base`);
    await ask('workspace', 'rm', id, again);
    await ask('snapshot', 'rm', before);
  });

  test('says what cannot be, with 125 and the code; what else is asked for is done', async () => {
    const id = await ask('workspace', 'create');
    const other = await ask('workspace', 'create', '-o', 'jsonl');
    const { workspace_id: otherId } = JSON.parse(other);
    const run = await server.rw.submit({
      runtime_kind: 'subprocess',
      command: ['sleep', '600'],
      options: { workspace: id },
    });
    const told = await tell(['workspace', 'rm', id, 'nope', otherId]);
    expect(told.code).toBe(125);
    expect(told.error).toMatch(/\[workspace_busy\]\nrunwire: nope: .*\[workspace_not_found\]\n$/);
    expect((await tell(['workspace', 'show', otherId])).error).toMatch(/\[\w*(gone|removed|not_found)\w*\]/);
    const coloured = runwire(['workspace', 'ls'], {
      RUNWIRE_URL: server.url,
      RUNWIRE_TOKEN: TOKEN,
      FORCE_COLOR: '1',
    });
    await coloured.ended;
    expect(coloured.stdout().toString()).toContain(`${id}  \x1b[32mready\x1b[39m `);
    await ask('workspace', 'rm', '-f', id);
    expect((await run.wait()).status).toBe('cancelled');
    const failed = await tell(['workspace', 'create', '--from', 'snap/nowhere']);
    expect(failed.code).toBe(125);
    expect(failed.error).toContain('nowhere');
    expect((await tell(['workspace', 'diff', 'nope'])).error).toContain('[workspace_not_found]');
    expect((await tell(['workspace', 'pull', 'nope'])).error).toContain('[workspace_not_found]');
    expect((await tell(['workspace', 'push', 'nope', '.'])).error).toContain('[workspace_not_found]');
    writeFileSync(place.at('file'), '');
    expect((await tell(['workspace', 'push', 'nope', 'file'])).error).toContain(
      'runwire cp file ws/nope:PATH',
    );
  });
});

describe('runwire session', () => {
  test('makes one, works in it, keeps what is there, puts it back, and closes it', async () => {
    writeFileSync(place.at('a'), 'one\n');
    const id = own('session');
    const flags = ['--upload', 'a', '--setup', 'echo set > s', '-e', 'X=1', '-l', 'of=test', '--idle', '1h'];
    expect(await ask('session', 'create', id, ...flags)).toBe(id);
    expect(await ask('run', '--session', id, '--', 'sh', '-c', 'cat a s; echo $X > made')).toBe('one\nset');
    const step = await tell(['session', 'checkpoint', id]);
    expect(step).toMatchObject({
      code: 0,
      error: expect.stringMatching(/^runwire: since \S+: 1 created\n$/),
    });
    const next = await jsonOf('session', 'checkpoint', '-o', 'json', id);
    expect(next).toMatchObject({ since: step.out.trim(), diff: { files: [] } });
    await ask('session', 'reset', id);
    expect(await jsonOf('session', 'show', id, '-o', 'json')).toMatchObject({
      state: 'ready',
      generation: 2,
    });
    expect(await ask('session', 'show', id)).toMatch(/state +ready\nkind +subprocess\n/);
    expect(await ask('session', 'ls', '-q')).toBe(id);
    expect((await tell(['session', 'rm', 'nope', id])).code).toBe(125);
    expect(await ask('session', 'ls', '-q')).toBe('');
    expect(await ask('session', 'ls', '-qa')).toBe(id);
    expect((await tell(['run', '--session', id, '--', 'true'])).error).toContain('[session_closed]');
  });

  test('says why a setup failed', async () => {
    const told = await tell(['session', 'create', '--setup', 'exit 7']);
    expect(told).toMatchObject({ code: 125, out: '' });
    expect(told.error).toMatch(/\[session_failed\]\n$/);
    expect((await tell(['session', 'create', '--from', 'x'])).code).toBe(2);
  });
});

describe('runwire spec', () => {
  test('stores what a file or standard input says, lists versions, and gives back what it takes', async () => {
    const spec = {
      name: 'greet',
      runtime_kind: 'subprocess',
      environment: { A: '1' },
      setup: { commands: ['true'] },
    };
    writeFileSync(place.at('spec.json'), JSON.stringify(spec));
    expect(await ask('spec', 'apply', 'spec.json')).toBe('greet@1');
    expect(await ask('spec', 'apply', 'spec.json')).toBe('greet@1');
    const shown = await ask('spec', 'show', 'greet', '-o', 'json');
    const changed = JSON.stringify({ ...JSON.parse(shown), description: 'for tests' });
    expect((await tell(['spec', 'apply', '-'], changed)).out).toBe('greet@2\n');
    expect((await tell(['spec', 'apply', '--name', 'other', '-'], shown)).out).toBe('other@1\n');
    expect(await ask('run', '--spec', 'greet@1', '--', 'sh', '-c', 'echo $A')).toBe('1');
    expect(await ask('spec', 'ls', '-q', 'greet')).toBe('greet@2\ngreet@1');
    expect((await ask('spec', 'ls')).split('\n')).toHaveLength(3);
    expect(await ask('spec', 'show', 'greet')).toMatch(
      /^name +greet@2\nabout +for tests\nkind +subprocess\n/,
    );
    const told = await tell(['spec', 'rm', 'nope', 'other']);
    expect(told).toMatchObject({
      code: 125,
      error: expect.stringMatching(/^runwire: nope: .*\[spec_not_found\]\n$/),
    });
    expect(await ask('spec', 'ls', '-q')).toBe('greet@2');
  });

  test('says which file is not right, and why, and stores the others', async () => {
    writeFileSync(place.at('good'), '{"name":"good","runtime_kind":"subprocess"}');
    for (const [name, words] of [
      ['not', '{'],
      ['list', '[]'],
      ['unnamed', '{}'],
      ['bad', '{"name":"bad","x":1}'],
    ] as const)
      writeFileSync(place.at(name), words);
    const told = await tell(['spec', 'apply', 'not', 'list', 'unnamed', 'bad', 'nowhere', 'good']);
    expect(told).toMatchObject({ code: 125, out: 'good@1\n' });
    expect(told.error).toMatch(
      /not is not JSON: .*\n.*list is not an object in JSON\n.*unnamed: it has no name.*\n/,
    );
    expect(told.error).toMatch(/bad: .*runtime_kind[\s\S]*nowhere: ENOENT/);
  });
});

describe('runwire asset', () => {
  test('stores files, directories and standard input, and gives them back as they are', async () => {
    mkdirSync(place.at('tools/bin'), { recursive: true });
    writeFileSync(place.at('tools/bin/x'), '#!/bin/sh\n', { mode: 0o755 });
    symlinkSync('bin/x', place.at('tools/l'));
    writeFileSync(place.at('data'), 'data');
    expect(await ask('asset', 'put', 'data', 'data', '--media-type', 'text/csv')).toBe('data@1');
    expect(await ask('asset', 'put', 'tools', 'tools')).toBe('tools@1');
    expect((await tell(['asset', 'put', 'data', '-'], 'newer')).out).toBe('data@2\n');
    const tar = execFileSync('tar', ['cz', '.'], { cwd: place.at('tools') });
    expect((await tell(['asset', 'put', 'packed', '--extract', '-'], tar)).out).toBe('packed@1\n');
    expect(await ask('asset', 'get', 'data@1', '-')).toBe('data');
    await ask('asset', 'get', 'data', 'there');
    mkdirSync(place.at('d'));
    await ask('asset', 'get', 'data', 'd');
    expect([readFileSync(place.at('there'), 'utf8'), readFileSync(place.at('d/data'), 'utf8')]).toEqual([
      'newer',
      'newer',
    ]);
    await ask('asset', 'get', 'tools', 'back');
    await ask('asset', 'get', 'packed', 'unpacked');
    const tools = treeHere(place.at('tools'));
    expect([treeHere(place.at('back')), treeHere(place.at('unpacked'))]).toEqual([tools, tools]);
    expect(await ask('asset', 'get', 'tools', '--path', 'bin/x', '-')).toBe('#!/bin/sh');
    expect(await ask('asset', 'ls', '-q', 'data')).toBe('data@2\ndata@1');
    expect(await ask('asset', 'show', 'data@1')).toMatch(
      /^name +data@1\ntype +file\nfiles +1, 4 B\nmedia type +text\/csv\n/,
    );
    const { digest } = await jsonOf('asset', 'show', 'data', '-o', 'json');
    const url = `${server.url}/assets/data/content`;
    expect((await tell(['asset', 'put', 'fetched', '--url', url, '--sha256', digest])).code).toBe(125); // its address needs a token
    const told = await tell(['asset', 'rm', 'data@1', 'nope', 'tools']);
    expect(told).toMatchObject({
      code: 125,
      error: expect.stringMatching(/^runwire: nope: .*\[asset_not_found\]\n$/),
    });
    expect((await ask('asset', 'ls', '-q')).split('\n').toSorted()).toEqual(['data@2', 'packed@1']);
  });

  test('says what is missing', async () => {
    expect((await tell(['asset', 'put', 'x'])).code).toBe(2);
    expect((await tell(['asset', 'put', 'x', '--url', 'http://x'])).code).toBe(2);
    expect((await tell(['asset', 'put', 'x', 'nowhere'])).error).toContain(
      "ENOENT: no such file or directory, stat 'nowhere'",
    );
    mkdirSync(place.at('empty'));
    expect((await tell(['asset', 'put', 'x', 'empty'])).error).toContain('empty has nothing in it');
    expect((await tell(['asset', 'get', 'x', '.'])).error).toContain('[asset_not_found]');
  });
});

test('a group alone shows what it has, and its flags are not guessed: 2', async () => {
  for (const group of ['workspace', 'snapshot', 'session', 'spec', 'asset']) {
    const told = await tell([group]);
    expect(told.code).toBe(2);
    expect(told.error).toMatch(/^Examples:\n {2}[\s\S]*Usage: runwire/);
    expect((await tell([group, 'ls', '--nonsense'])).code).toBe(2);
    expect((await tell([group, 'nonsense'])).code).toBe(2);
    expect(await tell([group, 'ls', '--help'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^Examples:\n/),
    });
  }
});
