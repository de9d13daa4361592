import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, test } from 'vitest';
import { clientServer } from '../helpers/client-server.ts';
import { telling } from '../helpers/told-cli.ts';
import { hashOf, treeHere } from '../helpers/tree-here.ts';
import { workingPlace } from '../helpers/working-place.ts';

const server = clientServer();
const place = workingPlace();
const tell = telling(server, place);

/** Links, empty directories, modes and names that are odd. */
function oddTree(): void {
  for (const name of ['odd/empty', 'odd/.hidden/.more', 'odd/deep/a/b/c'])
    mkdirSync(place.at(name), { recursive: true });
  const names = [
    'plain',
    '.env',
    ' spaces ',
    'ü 漢字 🎉',
    `quo"te's`,
    'line\nbreak',
    '{a,b}*?[x]\\',
    'x:y',
    '-n',
    '%2e%2e',
  ];
  for (const name of names) writeFileSync(place.at(`odd/${name}`), `in ${name}`);
  writeFileSync(place.at('odd/.hidden/.more/.x'), 'hidden');
  writeFileSync(place.at(`odd/deep/a/b/c/${'long'.repeat(60)}`), '');
  writeFileSync(place.at('odd/run.sh'), '#!/bin/sh\ncat plain\n');
  chmodSync(place.at('odd/run.sh'), 0o755);
  chmodSync(place.at('odd/plain'), 0o600);
  utimesSync(place.at('odd/plain'), 1e9, 1e9);
  symlinkSync('deep/a', place.at('odd/link'));
  symlinkSync('nowhere', place.at('odd/deep/dangling'));
  symlinkSync('../.env', place.at('odd/deep/up'));
}

describe('runwire run --upload and --pull', () => {
  test('bring 50 MB there and back as they are', async () => {
    const bytes = randomBytes(50_000_000);
    writeFileSync(place.at('big'), bytes);
    const script = 'sha256sum < data/large; cp data/large copy';
    const words = ['--upload', 'big:data/large', '--pull', 'out', '--', 'sh', '-c', script];
    expect(await tell(['run', ...words])).toMatchObject({ code: 0, out: `${hashOf(bytes)}  -\n`, error: '' });
    expect(hashOf(readFileSync(place.at('out/copy')))).toBe(hashOf(bytes));
  });

  test('bring a directory there and back with links, empty directories, modes, times and odd names', async () => {
    oddTree();
    const words = ['run', '--upload', 'odd/.', '--upload', 'odd:as/it/is', '--pull', 'out', '--', './run.sh'];
    expect(await tell(words)).toMatchObject({ code: 0, out: 'in plain', error: '' });
    const here = treeHere(place.at('odd'));
    const there = treeHere(place.at('out'));
    expect(there).toMatchObject(here);
    expect(treeHere(place.at('out/as/it/is'))).toEqual(here);
    const times = execFileSync('stat', ['-c', '%Y', place.at('out/plain')]);
    expect(String(times)).toBe('1000000000\n');
  });

  test('bring what is kept where something is to be kept, with modes, and directories as such', async () => {
    const options = {
      outputs: [
        { id: 'made', path: 'made' },
        { id: 'text', path: 'a.txt' },
      ],
    };
    const script =
      'mkdir -p made/e b; echo 1 > made/e/f; echo 2 > a.txt; echo 3 > b/p; chmod 755 b/p; echo 4 > c; exit 3';
    const words = ['--options', JSON.stringify(options), '--artifact', 'b/*', '--pull', 'out'];
    const told = await tell(['run', ...words, '--', 'sh', '-c', script]);
    expect(told).toMatchObject({ code: 3, error: '' });
    const tree = treeHere(place.at('out'));
    expect(Object.keys(tree)).toEqual(['a.txt', 'b', 'b/p', 'made', 'made/e', 'made/e/f']);
    expect(tree['b/p']).toContain('file 755');
  });

  test('say what did not come: 125 if the run succeeded, else its own code', async () => {
    writeFileSync(place.at('file'), '');
    const words = (code: number) => [
      'run',
      '--pull',
      'file/out',
      '--',
      'sh',
      '-c',
      `echo x > x; exit ${code}`,
    ];
    const told = await tell(words(0));
    expect(told.code).toBe(125);
    expect(told.error).toMatch(/not all is in file\/out: ENOTDIR/);
    expect((await tell(words(4))).code).toBe(4);
    const bad = await tell(['run', '--pull', 'out', '--', 'sh', '-c', 'echo x > x; ln -s / l; mkfifo p']);
    expect(bad.code).toBe(125);
    expect(bad.error).toMatch(/left out: p is a fifo\n.*left out: l is a link that leads out\n/);
    expect(readdirSync(place.at('out'))).toEqual(['x']);
  });

  test('write nothing through a link that is here already, however the program called its files', async () => {
    mkdirSync(place.at('elsewhere'));
    mkdirSync(place.at('out'));
    symlinkSync('../elsewhere', place.at('out/d'));
    const told = await tell(['run', '--pull', 'out', '--', 'sh', '-c', 'mkdir d; echo x > d/x']);
    expect(told.code).toBe(125);
    expect(told.error).toContain('out/d is a link: nothing is written through it');
    expect(readdirSync(place.at('elsewhere'))).toEqual([]);
  });

  test('are refused with 2 where words are not right, with 125 where a file is not there', async () => {
    mkdirSync(place.at('d'));
    for (const words of [
      ['--upload', 'd:../x'],
      ['--upload', 'd:/x'],
      ['--upload', ':x'],
      ['-d', '--pull', 'x'],
    ])
      expect((await tell(['run', ...words, '--', 'true'])).code).toBe(2);
    const told = await tell(['run', '--upload', 'nowhere', '--', 'true']);
    expect(told).toMatchObject({
      code: 125,
      error: "runwire: ENOENT: no such file or directory, stat 'nowhere'\n",
    });
    execFileSync('mkfifo', [place.at('pipe')]);
    expect((await tell(['run', '--upload', 'pipe', '--', 'true'])).error).toContain(
      'neither a file nor a directory',
    );
    writeFileSync(Buffer.concat([Buffer.from(place.at('d/')), Buffer.from([0xff])]), '');
    expect((await tell(['run', '--upload', 'd', '--', 'true'])).error).toContain('its name is not UTF-8');
  });

  test('show the request as curl, which works', async () => {
    writeFileSync(place.at('a.txt'), 'of a');
    const { code, out } = await tell([
      'run',
      '--dry-run',
      '--upload',
      'a.txt',
      '--',
      'sh',
      '-c',
      'cat a.txt; echo "\\;"',
    ]);
    expect(code).toBe(0);
    execFileSync('tar', ['cf', 'FILES.tar', 'a.txt'], { cwd: place.path });
    const env = { ...process.env, RUNWIRE_TOKEN: 'token-of-the-server' };
    const line = `${out.trim()} -H 'accept: text/plain'`;
    expect(String(execFileSync('sh', ['-c', line], { cwd: place.path, env }))).toBe('of a\\;\n');
  });
});

describe('runwire cp', () => {
  const run = async (script: string): Promise<string> =>
    (await tell(['run', '--name', 'files', '-d', '--', 'sh', '-c', script])).out.trim();
  const finished = async (script: string): Promise<string> => {
    const id = await run(script);
    await server.rw.attach(id).wait({ check: true });
    return id;
  };

  test('copies a file or a directory as cp does, and what is here already once', async () => {
    const id = await finished(
      'mkdir -p src/.git/x src/d; echo 1 > src/a; echo 2 > src/.git/x/y; ln -s a src/l',
    );
    expect(await tell(['cp', `${id}:src`, 'new'])).toMatchObject({ code: 0, out: '', error: '' });
    expect(Object.keys(treeHere(place.at('new')))).toEqual(['.git', '.git/x', '.git/x/y', 'a', 'd', 'l']);
    for (const words of [
      [`${id}:src`, 'new'],
      [`${id}:src/.`, 'new/other'],
      [`${id}:`, 'all'],
    ])
      expect(await tell(['cp', ...words])).toMatchObject({ code: 0, error: '' });
    const inIt = treeHere(place.at('all/src'));
    expect(treeHere(place.at('new/src'))).toEqual(inIt);
    expect(treeHere(place.at('new/other'))).toEqual(inIt);
    await tell(['cp', `${id}:src/a`, 'file']);
    await tell(['cp', `${id}:src/a`, 'new/d']);
    expect([readFileSync(place.at('file'), 'utf8'), readFileSync(place.at('new/d/a'), 'utf8')]).toEqual([
      '1\n',
      '1\n',
    ]);
    expect(await tell(['cp', `${id}:src/a`, '/dev/stdout'])).toMatchObject({ code: 0, out: '1\n' });
  });

  test('leaves no half file where another cannot be written', async () => {
    const id = await finished('for i in 1 2 3; do head -c 60000000 /dev/zero > big$i; done; echo x > z');
    mkdirSync(place.at('to/z'), { recursive: true });
    const told = await tell(['cp', `${id}:`, 'to']);
    expect(told.code).toBe(125);
    expect(told.error).toBe('runwire: to/z is a directory, and a file is to be there\n');
    expect(readdirSync(place.at('to')).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('gives a tar to standard output', async () => {
    const id = await finished('mkdir -p src/.x other; echo 1 > src/.x/y; echo 2 > src/z; echo 3 > other/a');
    const listed = (bytes: Buffer) =>
      String(execFileSync('tar', ['t'], { input: bytes }))
        .split('\n')
        .toSorted();
    expect(listed((await tell(['cp', `${id}:src`, '-'])).bytes)).toEqual([
      '',
      'src/.x/',
      'src/.x/y',
      'src/z',
    ]);
    expect(listed((await tell(['cp', `${id}:src/z`, '-'])).bytes)).toEqual(['', 'src/z']);
    expect(listed((await tell(['cp', `${id}:`, '-'])).bytes)).toContain('other/a');
  });

  test('brings many files at once, those too that begin with a dot, and says what it cannot bring', async () => {
    const script = `for i in $(seq 60); do mkdir -p m/.h$i; echo $i > m/.h$i/f; echo $i > m/$i; done
      mkfifo m/p; printf x > "$(printf 'm/bad\\377')"`;
    const told = await tell(['cp', `${await finished(script)}:m/.`, 'm']);
    expect(told.code).toBe(125);
    expect(told.error).toBe(
      'runwire: left out: m/bad\ufffd: its name is not UTF-8\nrunwire: left out: m/p is a fifo\n',
    );
    const tree = treeHere(place.at('m'));
    expect(Object.keys(tree)).toHaveLength(180);
    expect(tree['.h7/f']).toBe(tree['7']);
  });

  test('names what is not there, and where nothing can be put', async () => {
    const id = await finished('echo 1 > a');
    const ends = async (...words: string[]) => {
      const { code, error } = await tell(['cp', ...words]);
      return `${code} ${error.trim()}`;
    };
    expect(await ends(`${id}:b/c`, '.')).toBe(
      `125 runwire: ${id}:b/c: there is no such file or directory [file_not_found]`,
    );
    expect(await ends('nobody:a', '.')).toBe(
      '125 runwire: There is no invocation nobody [invocation_not_found]',
    );
    expect(await ends('ws/none:a', '.')).toContain('[workspace_not_found]');
    expect(await ends('snap/none:a', '.')).toContain('[snapshot_not_found]');
    expect(await ends(`${id}:a/`, '.')).toContain('it is no directory');
    expect(await ends(`${id}:a`, 'none/')).toBe('125 runwire: none/: there is no such directory');
    expect(await ends(`${id}:a`, 'none/a')).toContain('there is no directory none');
    expect(await ends(`${id}:../a`, '.')).toMatch(/^2 .*leads out/);
    expect(await ends('a', 'b')).toMatch(/^2 .*both are here/);
    expect(await ends('x:a', 'ws/y:b')).toMatch(/^2 .*both are on the server/);
    expect(await ends('./a', `${id}:a`)).toMatch(/^2 .*into workspaces alone/);
    expect(existsSync(place.at('a'))).toBe(false);
  });

  test('puts files, directories, a pipe and a tar into a workspace', async () => {
    oddTree();
    const { id } = await server.rw.workspaces.create();
    const into = (source: string, path: string, stdin?: string | Buffer) =>
      tell(['cp', source, `ws/${id}:${path}`], stdin);
    for (const [source, path] of [
      ['odd', ''],
      ['odd/.', 'as/new'],
      ['odd', 'as'],
      ['odd/run.sh', 'x/'],
      ['odd/plain', 'named'],
    ])
      expect(await into(`${source}`, `${path}`)).toMatchObject({ code: 0, out: '', error: '' });
    const tar = execFileSync('tar', ['c', 'run.sh'], { cwd: place.at('odd') });
    expect((await into('-', 'tar', tar)).code).toBe(0);
    expect((await into('/dev/stdin', 'pipe', 'of a pipe')).code).toBe(0);
    expect((await tell(['cp', `ws/${id}:.`, 'back'])).code).toBe(0);
    const odd = treeHere(place.at('odd'));
    const back = treeHere(place.at('back'));
    for (const name of ['odd', 'as/new', 'as/odd']) expect(treeHere(place.at(`back/${name}`))).toEqual(odd);
    expect(back).toMatchObject({ 'x/run.sh': odd['run.sh'], named: odd.plain, 'tar/run.sh': odd['run.sh'] });
    expect(readFileSync(place.at('back/pipe'), 'utf8')).toBe('of a pipe');
    symlinkSync('/etc', place.at('odd/out'));
    expect((await into('odd', 'refused')).error).toMatch(/"?refused\/out"?.*link that leads out.*\[/);
  });
});
