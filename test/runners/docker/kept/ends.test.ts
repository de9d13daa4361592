import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DockerServer, stderr, stdout } from '../../../helpers/docker/server.ts';
import { DockerSessions, engine } from '../../../helpers/docker/sessions.ts';
import { requires } from '../../../helpers/require.ts';

/** Commands of a setup of which none does anything. */
const SETUP = { setup: { commands: ['true'] } };
const KEEPERS =
  'for p in /proc/[0-9]*; do case "$(tr "\\0" " " <$p/cmdline)" in "/.runwire/keeper run"*) echo "$p" | tail -c +7;; esac; done';

requires('docker')('A program in a kept container', () => {
  let docker: DockerServer;
  let sessions: DockerSessions;
  beforeAll(async () => {
    docker = await DockerServer.on();
    sessions = new DockerSessions(docker);
  });
  afterAll(() => docker?.end());

  test('is stopped with SIGTERM and, after the grace, SIGKILL, and all it started with it', async () => {
    const { id, container } = await sessions.open();
    const run = await sessions.start(
      id,
      'trap "" TERM; setsid sleep 1000 & echo deaf; while :; do sleep 1; done',
      {
        options: { kill_grace_seconds: 0.5 },
      },
    );
    await docker.wrote(run, 'deaf');
    await docker.post(`/invocations/${run}/cancel`);
    expect(await docker.finished(run)).toMatchObject({
      status: 'cancelled',
      outcome: { kill: { signals: ['SIGTERM', 'SIGKILL'], survivors: 0 }, exit_code: -9 },
    });
    expect(engine('top', container).split('\n')).toHaveLength(2);
    const polite = await sessions.start(
      id,
      'trap "echo bye; exit 7" TERM; echo ready; while :; do sleep 0.1; done',
      {
        options: { kill_grace_seconds: 20 },
      },
    );
    await docker.wrote(polite, 'ready');
    await docker.post(`/invocations/${polite}/cancel`);
    const record = await docker.finished(polite);
    expect(record).toMatchObject({
      status: 'cancelled',
      outcome: { exit_code: 7, kill: { signals: ['SIGTERM'] } },
    });
    expect(stdout(record).toString()).toBe('ready\nbye\n');
    await sessions.close(id);
  });

  test('ends in time: the command, each command of a setup, all of a setup', async () => {
    const late = await docker.shell(
      'echo up; sleep 100',
      {},
      {
        timeout_seconds: 1,
        options: { ...SETUP, kill_grace_seconds: 0.2 },
      },
    );
    expect(late).toMatchObject({
      status: 'timed_out',
      outcome: { timeout_reason: 'run', kill: { survivors: 0 } },
    });
    const setup = {
      commands: ['echo 1', 'echo 2; sleep 30', 'echo 3'],
      timeout_seconds: 6,
    };
    const slow = await docker.shell('echo never', {}, { options: { setup, kill_grace_seconds: 0.2 } });
    expect(slow).toMatchObject({
      status: 'timed_out',
      result: { error_summary: 'setup took longer than 6 s' },
      outcome: { timeout_reason: 'setup', setup: [{ exit_code: 0 }, { signal: 'SIGTERM', exit_code: null }] },
    });
    expect(slow.outcome?.stdout?.bytes).toBe(0);
    const patient = await docker.shell(
      'sleep 1; echo in time',
      {},
      {
        timeout_seconds: 5,
        options: { setup: { commands: ['sleep 4.5'] } },
      },
    );
    expect(patient.status).toBe('succeeded');
    for (const record of [late, slow, patient]) docker.nothingLeft(record);
  });

  test('gets signals by their names, to its whole group', async () => {
    const id = await docker.start(
      'trap "echo got it; exit 0" USR1; echo ready; while :; do sleep 0.1; done',
      {},
      { options: SETUP },
    );
    await docker.wrote(id, 'ready');
    const { statusCode } = await docker.post(`/invocations/${id}/signals`, { signal: 'SIGUSR1' });
    expect(statusCode).toBeLessThan(300);
    const record = await docker.finished(id);
    expect([record.status, stdout(record).toString()]).toEqual(['succeeded', 'ready\ngot it\n']);
  });

  test('reads what the invocation gives, what is sent while it runs, and its end', async () => {
    const text = await docker.shell('cat; echo over', {}, { options: { ...SETUP, stdin: 'some\ninput' } });
    expect(stdout(text).toString()).toBe('some\ninputover\n');
    const deaf = await docker.shell('echo no', {}, { options: { ...SETUP, stdin: 'x'.repeat(500_000) } });
    expect([deaf.status, stdout(deaf).toString()]).toEqual(['succeeded', 'no\n']);
    const { id } = await sessions.open();
    const run = await sessions.start(id, 'while read -r line; do echo "got $line"; done; echo over', {
      options: { stdin_open: true },
    });
    const feed = async (text: string) =>
      (await docker.post(`/invocations/${run}/stdin`, Buffer.from(text))).statusCode;
    await expect.poll(() => feed('one\n'), { timeout: 10_000 }).toBe(204);
    for (const line of ['two\n'])
      expect((await docker.post(`/invocations/${run}/stdin`, Buffer.from(line))).statusCode).toBe(204);
    const big = Buffer.from(`${'y'.repeat(300_000)}\n`);
    expect((await docker.post(`/invocations/${run}/stdin`, big)).statusCode).toBe(204);
    expect((await docker.post(`/invocations/${run}/stdin?eof=true`, Buffer.from(''))).statusCode).toBe(204);
    const record = await docker.finished(run);
    expect(stdout(record).toString()).toBe(`got one\ngot two\ngot ${'y'.repeat(300_000)}\nover\n`);
    await sessions.close(id);
  });

  test('whose keeper it kills is lost, and all it left is ended', async () => {
    const { id, container } = await sessions.open();
    const record = await sessions.run(
      id,
      `setsid sleep 1000 & echo up; sleep 0.3; kill -9 $(${KEEPERS}); sleep 1000`,
    );
    expect(record).toMatchObject({
      status: 'failed',
      result: { error_summary: 'what watched the program was killed' },
      outcome: { ended: 'lost', started: true, retry_safe: false, kill: { survivors: 0 } },
    });
    expect(stdout(record).toString()).toBe('up\n');
    await expect.poll(() => engine('top', container).split('\n').length, { timeout: 5000 }).toBe(2);
    expect(stdout(await sessions.run(id, 'ls -A /.runwire/runs | wc -l')).toString()).toBe('1\n');
    await sessions.close(id);
  });

  test('that stops its keeper is ended all the same when it is to be', { timeout: 60_000 }, async () => {
    const { id } = await sessions.open({ setup: { commands: ['sleep 4711 &'] } });
    const run = await sessions.start(id, `echo up; kill -STOP $(${KEEPERS}); sleep 1000`, {
      options: { kill_grace_seconds: 0 },
    });
    await docker.wrote(run, 'up');
    await sleep(500);
    await docker.post(`/invocations/${run}/cancel`);
    const record = await docker.finished(run);
    expect(record).toMatchObject({
      status: 'cancelled',
      outcome: { kill: { signals: ['SIGKILL'], survivors: 0 } },
    });
    // Neither its container nor what the setup left in that had to be ended for it.
    const next = await sessions.run(id, 'ps | grep -c "[s]leep 4711$"');
    expect([next.status, stdout(next).toString()]).toEqual(['succeeded', '1\n']);
    expect(await sessions.get(id)).toMatchObject({ state: 'ready', restarted_at: null });
    await sessions.close(id);
  });

  const JOURNAL = 'for j in /.runwire/runs/*/journal; do :; done; sleep 0.3';
  const bytes = (hex: string): string =>
    hex.replace(/../g, (two) => `\\${Number.parseInt(two, 16).toString(8).padStart(3, '0')}`);
  const END = `78${'32000000'}${'00'.repeat(50)}7a00000000`;

  test('that writes an end into its own journal does not outlive its run: it is lost, and ended', {
    timeout: 60_000,
  }, async () => {
    const { id } = await sessions.open();
    const record = await sessions.run(id, `${JOURNAL}; printf '${bytes(END)}' >>$j; sleep 4712`, {
      timeout_seconds: 2,
    });
    expect(record).toMatchObject({
      status: 'timed_out',
      outcome: { exit_code: null, kill: { survivors: 0 } },
    });
    expect(stdout(await sessions.run(id, 'ps | grep -c "[s]leep 4712"')).toString()).toBe('0\n');
    const itself = await sessions.run(id, `${JOURNAL}; printf '${bytes(END)}' >>$j; exit 3`);
    expect(itself).toMatchObject({ status: 'failed', outcome: { ended: 'lost', exit_code: null } });
    expect(itself.result?.error_summary).toContain('something else than its keeper wrote to its journal');
    await sessions.close(id);
  });

  for (const [what, hex] of Object.entries({
    'of no type': '5103000000616263',
    'of another length': '78020000006162',
    'that may not follow': `78${'32000000'}${'00'.repeat(50)}6f0100000061`,
    'without an end': '6f00ff000061',
  }))
    test(`that writes a frame ${what} into its own journal is lost, and ends`, {
      timeout: 60_000,
    }, async () => {
      const { id } = await sessions.open();
      const record = await sessions.run(id, `${JOURNAL}; printf '${bytes(hex)}' >>$j; exit 3`);
      expect(record).toMatchObject({
        status: 'failed',
        outcome: { ended: 'lost', exit_code: null, kill: { survivors: 0 } },
      });
      expect(stdout(await sessions.run(id, 'echo on')).toString()).toBe('on\n');
      await sessions.close(id);
    });

  test('may print what a keeper writes: it is output', async () => {
    const { id } = await sessions.open();
    const frames =
      'x\\062\\000\\000\\000\\000\\000\\000\\000z\\000\\000\\000\\000F\\004\\000\\000\\000\\002\\000\\000\\000';
    const script = `printf '${frames}'; printf '${frames}' >&2; printf 'forget\\nstop 0\\n'; sleep 0.2; exit 5`;
    const record = await sessions.run(id, script);
    expect(record).toMatchObject({ outcome: { ended: 'exited', exit_code: 5 } });
    const bytes = Buffer.from('x\x32\0\0\0\0\0\0\0z\0\0\0\0F\x04\0\0\0\x02\0\0\0', 'latin1');
    expect(stdout(record).equals(Buffer.concat([bytes, Buffer.from('forget\nstop 0\n')]))).toBe(true);
    expect(stderr(record).equals(bytes)).toBe(true);
    await sessions.close(id);
  });

  test('has twenty million bytes of each stream told exactly, and no more kept than may be', {
    timeout: 60_000,
  }, async () => {
    const script =
      'head -c 20000000 /dev/zero | tr "\\0" a & head -c 20000000 /dev/zero | tr "\\0" b >&2; wait';
    const whole = await docker.shell(script, {}, { options: { ...SETUP, max_output_bytes: 30_000_000 } });
    const hash = (letter: string) => createHash('sha256').update(letter.repeat(20_000_000)).digest('hex');
    expect(whole.outcome?.stdout).toEqual({ bytes: 20_000_000, kept: 20_000_000, sha256: hash('a') });
    expect(whole.outcome?.stderr).toEqual({ bytes: 20_000_000, kept: 20_000_000, sha256: hash('b') });
    const cut = await docker.shell(script, {}, { options: { ...SETUP, max_output_bytes: 1000 } });
    expect(cut.outcome?.stdout).toMatchObject({ bytes: 20_000_000, kept: 1000 });
    expect(cut.outcome?.stderr).toMatchObject({ bytes: 20_000_000, kept: 1000 });
    expect(cut.status).toBe('succeeded');
  });

  test('that forks without end is ended when it is to be', { timeout: 60_000 }, async () => {
    const { id } = await sessions.open({}, { pids: 60 });
    const run = await sessions.start(id, 'echo up; f() { f | f & }; (f) & while :; do :; done', {
      options: { kill_grace_seconds: 0 },
    });
    await docker.wrote(run, 'up');
    await sleep(500);
    await docker.post(`/invocations/${run}/cancel`);
    expect(await docker.finished(run)).toMatchObject({ status: 'cancelled' });
    const next = await sessions.run(id, 'echo on');
    expect([next.status, stdout(next).toString()]).toEqual(['succeeded', 'on\n']);
    await sessions.close(id);
  });
});
