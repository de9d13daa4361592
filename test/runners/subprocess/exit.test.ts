import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withSubprocesses } from '../../helpers/subprocess-suite.ts';

withSubprocesses('How a subprocess starts and ends', (parts) => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'runwire-programs-'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const file = (name: string, text: string, mode = 0o755): string => {
    const path = join(dir, name);
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  };

  test('every exit code is told as it is', async () => {
    for (const code of [0, 1, 2, 126, 127, 128, 129, 137, 254, 255])
      expect((await parts.sh(`exit ${code}`)).outcome).toMatchObject({
        ended: 'exited',
        exit_code: code,
        signal: null,
      });
  });

  test('a program killed by a signal has the negative number of the signal', async () => {
    for (const [name, code] of [
      ['SEGV', -11],
      ['ABRT', -6],
      ['KILL', -9],
      ['SYS', -31],
    ] as const) {
      const record = await parts.sh(`kill -${name} $$`);
      expect(record).toMatchObject({
        status: 'failed',
        outcome: { ended: 'signaled', exit_code: code, signal: `SIG${name}` },
      });
    }
  });

  test('a real-time signal has a number and no name', async () => {
    for (const signal of [34, 48, 64])
      for (const before of ['', 'echo said;', 'sleep 0.05; echo said >&2;'])
        expect((await parts.sh(`${before} kill -${signal} $$`)).outcome).toMatchObject({
          exit_code: -signal,
          signal: `SIG${signal}`,
        });
  });

  test('a program that was stopped for a while and closed its output has its true exit code', async () => {
    const record = await parts.sh('(sleep 0.2; kill -CONT $$) & exec >&- 2>&-; kill -STOP $$; exit 0');
    expect(record.outcome).toMatchObject({ exit_code: 0, signal: null });
  });

  const cannot = {
    'is missing': () => ['no-such-program', 'no such program (ENOENT)'],
    'is missing at its path': () => [join(dir, 'nothing'), 'no such program (ENOENT)'],
    'is not executable': () => [file('plain', 'text', 0o644), 'not executable (EACCES)'],
    'is a directory': () => [dir, 'it is a directory (EACCES)'],
    'has no interpreter': () => [
      file('bad', '#!/no/such/interpreter\n'),
      'its interpreter /no/such/interpreter does not exist (ENOENT)',
    ],
    'is no program': () => [
      file('text', 'echo a shell would run this\n'),
      'not a program this machine can execute (ENOEXEC)',
    ],
    'has an empty name': () => ['', 'no such program (ENOENT)'],
  };
  for (const [how, make] of Object.entries(cannot))
    test(`a program that ${how} never started, and says so`, async () => {
      const [program = '', words] = make();
      const record = await parts.run([program]);
      expect(record).toMatchObject({
        status: 'failed',
        result: { exit_code: null, error_summary: `could not start ${JSON.stringify(program)}: ${words}` },
        outcome: { ended: 'never_started', started: false, retry_safe: true, stdout: { bytes: 0 } },
      });
    });

  test('an environment that is too large never started', async () => {
    const record = await parts.run(['true'], { environment: { BIG: 'x'.repeat(200_000) } });
    expect(record.outcome).toMatchObject({ ended: 'never_started', retry_safe: true });
    expect(record.result?.error_summary).toContain('E2BIG');
  });

  test('a NUL character is refused before anything runs', async () => {
    await expect(parts.run(['echo', 'a\0b'])).rejects.toThrow('422');
  });

  test('a working directory that is gone is a rejection', async () => {
    const record = await parts.run(['true'], { working_directory: join(dir, 'gone') });
    expect(record).toMatchObject({
      status: 'rejected',
      result: { error_summary: `working directory does not exist: ${join(dir, 'gone')}` },
    });
  });

  test('a program may remove its working directory', async () => {
    const record = await parts.sh('rmdir "$PWD" && echo removed');
    expect(record.status).toBe('succeeded');
    expect(await parts.stdout(record)).toBe('removed\n');
  });

  test('a relative program is found in the working directory, others in the PATH of the run', async () => {
    file('tool', '#!/bin/sh\necho "tool $1"\n');
    const relative = await parts.run(['./tool', 'a'], { working_directory: dir });
    expect(await parts.stdout(relative)).toBe('tool a\n');
    const looked = await parts.run(['tool', 'b'], { environment: { PATH: `/nowhere:${dir}:/bin` } });
    expect(await parts.stdout(looked)).toBe('tool b\n');
  });

  test('arguments arrive as they are, without a shell', async () => {
    const words = ['$HOME', '*', 'a b', '', '"', "'", '\n', 'é😀'];
    const record = await parts.run(['printf', '%s\\0', ...words]);
    expect(await parts.stdout(record)).toBe(words.map((word) => `${word}\0`).join(''));
  });

  test('a program sees three descriptors, default signals, the umask and a session of its own', async () => {
    // Asked one by one: a shell in the middle of a pipe has more descriptors and blocks signals for a moment.
    const say = async (script: string) => (await parts.stdout(await parts.sh(script))).trim();
    expect((await say('ls /proc/$$/fd')).split('\n').filter((fd) => fd !== '10')).toEqual(['0', '1', '2']);
    expect(await say('umask')).toBe(process.umask().toString(8).padStart(4, '0'));
    const signals = (await say('grep -E "Sig(Ign|Blk)" /proc/self/status')).split('\n');
    expect(signals.map((line) => line.replace(/\s+/, ' '))).toEqual([
      'SigBlk: 0000000000000000',
      'SigIgn: 0000000000000000',
    ]);
    const [ids, pid] = (await say('cut -d" " -f1,5,6 /proc/$$/stat; echo $$')).split('\n');
    expect(ids).toBe(`${pid} ${pid} ${pid}`);
  });

  test('nothing of the environment of the server reaches a program', async () => {
    const record = await parts.run(['env'], { environment: { OWN: '1' } });
    const names = (await parts.stdout(record)).split('\n').map((line) => line.split('=')[0]);
    const allowed = /^(PATH|HOME|USER|LANG|LC_.*|TZ|TMPDIR|SHELL|OWN|RUNWIRE_INVOCATION_ID|TRACEPARENT|)$/;
    expect(names.filter((name) => !allowed.test(name ?? ''))).toEqual([]);
    expect(names).toContain('RUNWIRE_INVOCATION_ID');
  });
});
