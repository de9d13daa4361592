import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { clientServer, TOKEN } from '../helpers/client-server.ts';
import { runwire } from '../helpers/command-line.ts';
import { shellLine } from '../helpers/shell-line.ts';

describe('The standard streams of runwire', () => {
  const server = clientServer();
  const start = (words: string[], stdin?: string | Buffer) =>
    runwire(words, { RUNWIRE_URL: server.url, RUNWIRE_TOKEN: TOKEN }, stdin);

  test('go on waiting for who reads them, also for the other programs that have them', async () => {
    const going = start(['run', '--', 'sh', '-c', 'echo ready; sleep 600']);
    await expect.poll(() => going.stdout().toString()).toBe('ready\n');
    const flagsOf = (fd: number): number => {
      const [, octal = ''] =
        /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/${going.child.pid}/fdinfo/${fd}`, 'utf8')) ?? [];
      return Number.parseInt(octal, 8);
    };
    const O_NONBLOCK = 0o4000;
    expect([flagsOf(1) & O_NONBLOCK, flagsOf(2) & O_NONBLOCK]).toEqual([0, 0]);
    going.child.kill('SIGINT');
    await going.ended;
  });

  const line = (words: string) => shellLine(words, { RUNWIRE_URL: server.url, RUNWIRE_TOKEN: TOKEN });

  test.each([
    ['closed', '<&-'],
    ['/dev/null', '</dev/null'],
    ['a directory', '</tmp'],
  ])('give a program nothing where stdin is %s, also with -i', async (_what, redirection) => {
    const one = await line(`runwire run -- cat ${redirection}; runwire run -i -- cat ${redirection}`);
    expect(one).toMatchObject({ code: 0, stdout: '' });
  });

  test('give a program all that came from a pipe that broke, and its end', async () => {
    const { code, stdout } = await line(`{ printf abc; kill -9 $BASHPID; } | runwire run -- cat`);
    expect([code, stdout]).toEqual([0, 'abc']);
  });

  test('tell who writes to a program that takes no more', async () => {
    const { code, stdout } = await line('yes | runwire run -- head -c 10; echo "${PIPESTATUS[0]}"');
    expect([code, stdout]).toEqual([0, `${'y\n'.repeat(5)}141\n`]);
  });

  test('that cannot be written end it with 125, and the run goes on', async () => {
    const { code, stdout, stderr } = await line(`runwire run -- yes >/dev/full`);
    expect([code, stdout]).toEqual([125, '']);
    const [, id = ''] =
      /^runwire: the output cannot be written: ENOSPC.* runwire cancel (\S+)$/m.exec(stderr) ?? [];
    expect((await server.rw.attach(id).refresh()).status).toBe('running');
    await server.rw.attach(id).cancel({ graceSeconds: 0 });
    for (const words of ['ls', `logs ${id}`, `show ${id}`, 'run --dry-run -- true', 'version'])
      expect(await line(`runwire ${words} >/dev/full`), words).toMatchObject({
        ...{
          code: 125,
          stderr: expect.stringMatching(/^runwire: the output cannot be written: ENOSPC[^\n]*\n$/),
        },
      });
  });

  test.each(['2>&-', '2>/dev/full'])(
    'do not matter where nobody can be told anything: %s',
    async (redirection) => {
      const { code, stdout } = await line(
        `runwire run -- sh -c 'echo out; echo err >&2; exit 3' ${redirection}`,
      );
      expect([code, stdout]).toEqual([3, 'out\n']);
    },
  );

  test('that nobody reads end it with 141: | head -1', async () => {
    const script = `runwire run -- sh -c 'seq 100000; exec sleep 600' | head -1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await line(script);
    expect(stdout).toBe('1\n141\n');
    const [, id = ''] = /runwire cancel (\S+)/.exec(stderr) ?? [];
    expect((await server.rw.attach(id).refresh()).status).toBe('running');
    await server.rw.attach(id).cancel({ graceSeconds: 0 });
  });
});
