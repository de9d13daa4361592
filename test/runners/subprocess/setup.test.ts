import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { processesOf } from '../../faults/invariants.ts';
import { until } from '../../helpers/processes.ts';
import { expectSound } from '../../helpers/sound-run.ts';
import { withSubprocesses } from '../../helpers/subprocess-suite.ts';

const setup = (commands: unknown[], more: object = {}) => ({ options: { setup: { commands, ...more } } });

withSubprocesses('A setup', (parts) => {
  const ofSetup = async ({ invocation }: RunRecord, stream: 'stdout' | 'stderr'): Promise<string> =>
    (await parts.app.app.inject(`/invocations/${invocation.invocation_id}/artifacts/setup_${stream}`)).body;
  const idOf = ({ invocation }: RunRecord): string => invocation.invocation_id;
  const said = async (id: string, text: string): Promise<void> => {
    for await (const events of parts.app.engine.log(id).read({ after: 0, follow: true }))
      if (events.some((event) => JSON.stringify(event).includes('"phase":"setup"'))) return;
    throw new Error(`the setup never said ${text}`);
  };

  test('is run before the command, where that runs, and what each writes is apart', async () => {
    const record = await parts.sh('cat made; echo out; echo no >&2', {
      ...setup(['echo one >made; echo said', ['sh', '-c', 'echo two >>made; echo err >&2; echo "$GIVEN"']]),
      environment: { GIVEN: 'yes' },
    });
    expect(record).toMatchObject({ status: 'succeeded', result: { exit_code: 0, error_summary: null } });
    expect(await parts.stdout(record)).toBe('one\ntwo\nout\n');
    expect(await ofSetup(record, 'stdout')).toBe('said\nyes\n');
    expect(await ofSetup(record, 'stderr')).toBe('err\n');
    expect(record.outcome).toMatchObject({
      ended: 'exited',
      setup: [
        { command: ['sh', '-c', 'echo one >made; echo said'], exit_code: 0, signal: null },
        { exit_code: 0, signal: null },
      ],
      stdout: { bytes: 12 },
      stderr: { bytes: 3 },
      setup_stdout: { bytes: 9, kept: 9 },
      setup_stderr: { bytes: 4, kept: 4 },
    });
    expect(record.outcome?.timings.setup_ms).toBeGreaterThan(0);
    expect(record.result?.artifacts.map(({ artifact_id: id }) => id)).toEqual([
      ...['stdout', 'stderr', 'setup_stdout', 'setup_stderr'],
    ]);
    await expectSound(parts.app, record);
  });

  test('that fails ends the run: the command is not begun, and what else was to be done is not either', async () => {
    const record = await parts.sh('touch ran', setup(['true', 'echo x; exit 4', 'touch ran']));
    expect(record).toMatchObject({
      status: 'failed',
      result: {
        exit_code: null,
        error_summary: 'setup: command 2 of 3 (sh -c "echo x; exit 4") exited with code 4',
      },
      outcome: {
        ...{ ended: 'setup_failed', started: true, retry_safe: false, exit_code: null, signal: null },
        failure: { permanent: false, reason: 'setup_failed' },
        ...{ stdout: { bytes: 0 }, setup_stdout: { bytes: 2 }, timeout_reason: null },
        setup: [{ exit_code: 0 }, { exit_code: 4, signal: null }],
      },
    });
    expect(record.outcome?.setup).toHaveLength(2);
    expect(existsSync(join(record.invocation.working_directory, 'ran'))).toBe(false);
    await expectSound(parts.app, record);
  });

  test('that ends by a signal, or is not there, has failed and says how', async () => {
    const killed = await parts.sh('true', setup(['kill -9 $$']));
    expect(killed.result?.error_summary).toBe(
      'setup: command 1 of 1 (sh -c "kill -9 $$") was killed by SIGKILL',
    );
    expect(killed.outcome?.setup).toMatchObject([{ exit_code: null, signal: 'SIGKILL' }]);
    const missing = await parts.sh('true', setup([['true'], ['/no/such/program', 'a b']]));
    expect(missing.result?.error_summary).toBe(
      'setup: command 2 of 2 (/no/such/program "a b") could not be started: no such program (ENOENT)',
    );
    expect(missing.outcome).toMatchObject({
      ended: 'setup_failed',
      setup: [{ exit_code: 0 }, { exit_code: null, signal: null, error: 'no such program (ENOENT)' }],
    });
    const first = await parts.sh('true', setup([['no-such-program-in-path']]));
    expect(first.outcome).toMatchObject({ ended: 'setup_failed', started: true, retry_safe: false });
    await expectSound(parts.app, first);
  });

  test('may fail to be followed by its command: that was never started, and yet something was', async () => {
    const record = await parts.run(['/no/such/program'], setup(['echo done']));
    expect(record).toMatchObject({
      status: 'failed',
      result: {
        exit_code: null,
        error_summary: 'could not start "/no/such/program": no such program (ENOENT)',
      },
      outcome: {
        ...{ ended: 'never_started', started: true, retry_safe: false },
        failure: { permanent: true, reason: 'program_not_found' },
        setup: [{ exit_code: 0 }],
        setup_stdout: { bytes: 5 },
      },
    });
    await expectSound(parts.app, record);
  });

  test('of which nothing began leaves nothing begun', async () => {
    const record = await parts.sh('true', { ...setup(['true']), working_directory: '/' });
    expect(record.status).toBe('succeeded');
    const refused = await parts.app.app.inject({
      method: 'POST',
      url: '/invocations',
      payload: { runtime_kind: 'subprocess', command: ['true'], ...setup(['true'], { user: 'nobody' }) },
    });
    expect(refused.statusCode).toBe(422);
    expect(refused.json().errors).toMatchObject([{ path: 'options.setup.user' }]);
  });

  test('too long is stopped, timed out in its own words, and nothing of it stays', async () => {
    const record = await parts.sh(
      'true',
      setup(['true', 'setsid sleep 61 & echo up; sleep 60'], { timeout_seconds: 0.5 }),
    );
    expect(record).toMatchObject({
      status: 'timed_out',
      result: { exit_code: null, error_summary: 'setup took longer than 0.5 s' },
      outcome: {
        ...{ ended: 'timed_out', timeout_reason: 'setup', retry_safe: false },
        setup: [{ exit_code: 0 }, { exit_code: null, signal: 'SIGTERM' }],
        kill: { signals: ['SIGTERM', 'SIGKILL'], survivors: 0 },
      },
    });
    expect(processesOf(idOf(record))).toEqual([]);
    await expectSound(parts.app, record);
  });

  test('does not count for the time of the command', async () => {
    const record = await parts.sh('sleep 60', { ...setup(['sleep 1.2']), timeout_seconds: 0.6 });
    expect(record).toMatchObject({
      status: 'timed_out',
      result: { error_summary: 'ran longer than 0.6 s' },
      outcome: { timeout_reason: 'run', setup: [{ exit_code: 0 }], signal: 'SIGTERM' },
    });
  });

  test('that says nothing for too long is idle', async () => {
    const options = { idle_timeout_seconds: 0.6, setup: { commands: ['sleep 60'] } };
    expect(await parts.sh('true', { options })).toMatchObject({
      status: 'timed_out',
      outcome: { timeout_reason: 'idle', setup: [{ signal: 'SIGTERM' }] },
    });
  });

  test('can be cancelled, and tells of its commands so far', async () => {
    const id = await parts.start(['true'], setup(['true', 'echo up; sleep 60', 'true']));
    await said(id, 'up');
    await parts.app.app.inject({ method: 'POST', url: `/invocations/${id}/cancel` });
    const record = await parts.finished(id);
    expect(record).toMatchObject({
      status: 'cancelled',
      outcome: {
        ...{ ended: 'cancelled', retry_safe: false, started: true, exit_code: null },
        setup: [{ exit_code: 0 }, { exit_code: null, signal: 'SIGTERM' }],
        kill: { survivors: 0 },
      },
    });
    expect(processesOf(id)).toEqual([]);
    await expectSound(parts.app, record);
  });

  test('that does not want to end is killed when its grace is over', async () => {
    const record = await parts.sh('true', {
      options: {
        kill_grace_seconds: 0.2,
        setup: { commands: ['trap "" TERM; echo up; while :; do sleep 0.1; done'], timeout_seconds: 0.4 },
      },
    });
    expect(record.outcome).toMatchObject({
      timeout_reason: 'setup',
      setup: [{ signal: 'SIGKILL' }],
      kill: { signals: ['SIGTERM', 'SIGKILL'], survivors: 0 },
    });
  });

  test('leaves running what it started until the run ends, and that writes as the setup', async () => {
    const id = await parts.start(
      ['sh', '-c', 'until [ -e go ]; do sleep 0.02; done; kill -0 $(cat pid) && echo lives'],
      setup(["(echo $$ >/dev/null; sh -c 'echo $$ >pid; while :; do echo tick; sleep 0.05; done') &"]),
    );
    await said(id, 'tick');
    const { working_directory: directory } = parts.app.engine.record(id).invocation;
    await until(() => existsSync(join(directory, 'pid')), 'its pid is known');
    writeFileSync(join(directory, 'go'), '');
    const record = await parts.finished(id);
    expect(record.status, JSON.stringify(record)).toBe('succeeded');
    expect(await parts.stdout(record)).toBe('lives\n');
    expect((await ofSetup(record, 'stdout')).replaceAll('tick\n', '')).toBe('');
    expect(record.outcome?.kill).toMatchObject({ survivors: 0 });
    expect(processesOf(id)).toEqual([]);
    await expectSound(parts.app, record);
  });

  test('keeps its output within max_output_bytes of its own', async () => {
    const record = await parts.sh('head -c 100 /dev/zero', {
      options: { max_output_bytes: 1000, setup: { commands: ['head -c 300000 /dev/zero'] } },
    });
    expect(record.outcome).toMatchObject({
      stdout: { bytes: 100, kept: 100 },
      setup_stdout: { bytes: 300_000, kept: 1000 },
    });
    await expectSound(parts.app, record);
  });

  test('is split from the command by who writes, whatever is written', async () => {
    const marker = '{"seq":9,"type":"stdout","phase":"command"}\n--- setup done ---';
    const words = ['printf', '%s\n', marker];
    const record = await parts.run(words, setup([words, words]));
    expect(await parts.stdout(record)).toBe(`${marker}\n`);
    expect(await ofSetup(record, 'stdout')).toBe(`${marker}\n${marker}\n`);
    await expectSound(parts.app, record);
  });

  test('has commands of an evaluation only in one, the one command more last, and none where it is disabled', async () => {
    const options = {
      setup: { commands: ['echo a'], evaluation_commands: ['echo b'], resume_commands: ['echo c'] },
      setup_command: ['echo', 'd'],
    };
    const plain = await parts.sh('true', { options });
    expect(await ofSetup(plain, 'stdout')).toBe('a\nd\n');
    const evaluation = await parts.sh('true', { options: { ...options, is_evaluation: true } });
    expect(await ofSetup(evaluation, 'stdout')).toBe('a\nb\nd\n');
    const none = await parts.sh('true', { options: { ...options, disable_setup: true } });
    expect(none.outcome).not.toHaveProperty('setup');
    expect(none.outcome).not.toHaveProperty('setup_stdout');
    expect(none.outcome?.timings).not.toHaveProperty('setup_ms');
    expect(none.result?.artifacts.map(({ artifact_id: id }) => id)).toEqual(['stdout', 'stderr']);
  });

  test('reads nothing: standard input is the command’s, also what came before that began', async () => {
    const text = await parts.sh('cat', {
      options: { stdin: 'for the command', setup: { commands: ['cat'] } },
    });
    expect(await parts.stdout(text)).toBe('for the command');
    expect(await ofSetup(text, 'stdout')).toBe('');
    const id = await parts.start(['cat'], {
      options: { stdin_open: true, setup: { commands: ['cat; echo up; sleep 0.5'] } },
    });
    await said(id, 'up');
    const sent = await parts.app.app.inject({
      method: 'POST',
      url: `/invocations/${id}/stdin`,
      payload: 'early',
      headers: { 'content-type': 'application/octet-stream' },
    });
    expect(sent.statusCode, sent.body).toBeLessThan(300);
    await parts.app.engine.closeStdin(id);
    expect(await parts.stdout(await parts.finished(id))).toBe('early');
  });

  test('that fails refuses standard input', async () => {
    const id = await parts.start(['cat'], {
      options: { stdin_open: true, setup: { commands: ['echo up; sleep 0.5; exit 1'] } },
    });
    await said(id, 'up');
    await expect(parts.app.engine.writeStdin(id, Buffer.from('x'))).rejects.toThrow(
      'the setup has ended, and the command was not started',
    );
    expect((await parts.finished(id)).outcome?.ended).toBe('setup_failed');
  });

  test('gets the signals that come while it is at work', async () => {
    const id = await parts.start(
      ['true'],
      setup(['trap "echo got; exit 0" USR1; echo up; while :; do sleep 0.02; done']),
    );
    await said(id, 'up');
    await parts.app.engine.signal(id, 'SIGUSR1');
    const record = await parts.finished(id);
    expect(record.status).toBe('succeeded');
    expect(await ofSetup(record, 'stdout')).toBe('up\ngot\n');
  });

  test('counts for what the run used: time is summed', async () => {
    if (parts.spawn === 'portable') return;
    const busy = 'i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done';
    const record = await parts.sh('true', setup([busy, busy]));
    expect(record.outcome?.usage?.cpu_user_ms).toBeGreaterThan(5);
  });

  test('is under the limits of the run', async () => {
    const record = await parts.sh('true', {
      options: { limits: { open_files: 9 }, setup: { commands: ['ulimit -n'] } },
    });
    expect(await ofSetup(record, 'stdout')).toBe('9\n');
  });
});
