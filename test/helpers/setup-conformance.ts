import { expect, test } from 'vitest';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import type { Stream } from '../../src/documents/stream.ts';
import type { Suite } from './files-conformance.ts';
import { eventsOf, outputOf } from './run-events.ts';
import { expectSound } from './sound-run.ts';

const piece = (stream: Stream, text: string) => ({ stream, base64: Buffer.from(text).toString('base64') });
const FAILED = { ended: 'setup_failed', started: true, retry_safe: false, exit_code: null } as const;

/** What is done before the command, of kinds that do it; others refuse it. */
export function setupConforms({ conformance, app, asked, run, finished, about }: Suite): void {
  const { kind, setsUp = false } = conformance;
  const post = (payload: Record<string, unknown>) =>
    app().app.inject({ method: 'POST', url: '/invocations', payload });

  test('what it says of setup is what it does', () => {
    expect(app().engine.kinds.find((one) => one.kind === kind)?.setsUp ?? false).toBe(setsUp);
  });

  if (!setsUp)
    test('a setup is refused by name, and where none is to be done nothing is', async () => {
      for (const [field, value] of [
        ['setup', { commands: ['true'] }],
        ['setup_command', 'true'],
      ] as const) {
        const refused = await post(asked({}, { options: { [field]: value } }));
        expect([refused.statusCode, refused.json().errors]).toEqual([
          422,
          [{ path: `options.${field}`, message: expect.stringContaining(kind) }],
        ]);
      }
      const options = { is_evaluation: true, disable_setup: true, setup_command: 'true' };
      const taken = await post(asked({}, { options }));
      expect(taken.statusCode, taken.body).toBe(202);
      const { outcome } = await finished(taken.json().invocation.invocation_id);
      expect(outcome).not.toHaveProperty('setup');
    });
  if (!setsUp) return;

  const bytes = async (record: RunRecord, phase: 'setup' | 'command', stream: Stream = 'stdout') =>
    outputOf(await eventsOf(app(), record), stream, phase).toString();

  about(
    'setup',
    'a setup is done before the command, where that works, and its output is apart',
    async () => {
      const commands = ['printf one >made; echo said', ['sh', '-c', 'printf two >>made; echo err >&2']];
      const record = await run(
        { prints: 'made', output: [piece('stdout', ' out'), piece('stderr', 'no')] },
        { options: { setup: { commands } } },
      );
      expect(record).toMatchObject({ status: 'succeeded', result: { error_summary: null } });
      expect(await bytes(record, 'command')).toBe('onetwo out');
      expect(await bytes(record, 'command', 'stderr')).toBe('no');
      expect(await bytes(record, 'setup')).toBe('said\n');
      expect(await bytes(record, 'setup', 'stderr')).toBe('err\n');
      expect(record.outcome?.setup).toMatchObject([
        { command: ['sh', '-c', commands[0]], exit_code: 0, signal: null },
        { command: commands[1], exit_code: 0, signal: null },
      ]);
      expect(record.outcome?.timings.setup_ms).toBeGreaterThan(0);
      await expectSound(app(), record);
    },
  );

  about('setup', 'a setup that fails is how the run ended, and nothing after it begins', async () => {
    const commands = ['true', 'echo x; exit 4', 'echo never'];
    const record = await run({ output: [piece('stdout', 'never')] }, { options: { setup: { commands } } });
    expect(record).toMatchObject({
      status: 'failed',
      result: {
        exit_code: null,
        error_summary: 'setup: command 2 of 3 (sh -c "echo x; exit 4") exited with code 4',
      },
      outcome: { ...FAILED, failure: { permanent: false, reason: 'setup_failed' } },
    });
    expect(record.outcome?.setup?.map(({ exit_code: code }) => code)).toEqual([0, 4]);
    const told = (await eventsOf(app(), record)).flatMap((event) =>
      event.type === 'progress' && event.message?.startsWith('setup:') ? [[event.message, event.data]] : [],
    );
    expect(told).toEqual([
      ['setup: command 1 of 3 (sh -c true) has begun', { type: 'setup', command: 1, commands: 3 }],
      [
        'setup: command 2 of 3 (sh -c "echo x; exit 4") has begun',
        { type: 'setup', command: 2, commands: 3 },
      ],
    ]);
    expect(await bytes(record, 'setup')).toBe('x\n');
    expect(await bytes(record, 'command')).toBe('');
    await expectSound(app(), record);
  });

  about('setup', 'a command of a setup that is not there has failed', async () => {
    const record = await run({}, { options: { setup: { commands: [['no-such-program-here']] } } });
    expect(record).toMatchObject({ status: 'failed', outcome: FAILED });
    expect(record.outcome?.setup).toMatchObject([{ exit_code: null, error: expect.any(String) }]);
    expect(record.result?.error_summary).toMatch(
      /^setup: command 1 of 1 \(no-such-program-here\) could not be started: /,
    );
    await expectSound(app(), record);
  });

  about('setup', 'a setup has a time of its own, and the command has all of its own after it', async () => {
    const long = await run(
      {},
      { options: { setup: { commands: ['echo up; sleep 60'], timeout_seconds: 1.5 } } },
    );
    expect(long).toMatchObject({
      status: 'timed_out',
      result: { exit_code: null, error_summary: 'setup took longer than 1.5 s' },
      outcome: {
        ended: 'timed_out',
        timeout_reason: 'setup',
        retry_safe: false,
        setup: [{ exit_code: null }],
      },
    });
    expect(await bytes(long, 'setup')).toBe('up\n');
    await expectSound(app(), long);
    const slow = await run(
      { output: [piece('stdout', 'x')] },
      { timeout_seconds: 5, options: { setup_command: 'sleep 6' } },
    );
    expect(slow.status).toBe('succeeded');
  });

  about('setup', 'a run is cancelled in its setup, and tells of its commands so far', async () => {
    const taken = await post(asked({}, { options: { setup: { commands: ['true', 'echo up; sleep 60'] } } }));
    const id: string = taken.json().invocation.invocation_id;
    for await (const events of app().engine.log(id).read({ after: 0, follow: true }))
      if (events.some(({ entry }) => entry.type === 'stdout')) break;
    await app().app.inject({ method: 'POST', url: `/invocations/${id}/cancel` });
    const record = await finished(id);
    expect(record).toMatchObject({
      status: 'cancelled',
      outcome: { ended: 'cancelled', started: true, retry_safe: false, exit_code: null },
    });
    expect(record.outcome?.setup).toMatchObject([{ exit_code: 0 }, { exit_code: null }]);
    await expectSound(app(), record);
  });

  about(
    'setup',
    'an evaluation has more commands, the one command more is the last, and all can be left out',
    async () => {
      const options = {
        setup: { commands: ['echo a'], evaluation_commands: ['echo b'], resume_commands: ['echo c'] },
        setup_command: ['echo', 'd'],
      };
      const said = async (more: object): Promise<string> =>
        bytes(await run({}, { options: { ...options, ...more } }), 'setup');
      expect(await said({})).toBe('a\nd\n');
      expect(await said({ is_evaluation: true })).toBe('a\nb\nd\n');
      const none = await run({}, { options: { ...options, disable_setup: true } });
      for (const field of ['setup', 'setup_stdout', 'setup_stderr'])
        expect(none.outcome).not.toHaveProperty(field);
      expect(none.outcome?.timings).not.toHaveProperty('setup_ms');
    },
  );

  about(
    'setup',
    'what a setup writes is its own, whatever it writes and whoever of it writes on',
    async () => {
      const marker = '--- end of setup ---\n{"phase":"command","type":"stdout"}\n';
      const record = await run(
        { output: [piece('stdout', marker)], stayMs: 1500 },
        { options: { setup: { commands: [['printf', '%s', marker], '(sleep 0.3; echo late) &'] } } },
      );
      expect(await bytes(record, 'command')).toBe(marker);
      expect(await bytes(record, 'setup')).toBe(`${marker}late\n`);
      await expectSound(app(), record);
    },
  );

  about(
    'setup',
    'what a setup leaves running does not keep the run from ending, and ends with it',
    async () => {
      const record = await run(
        {},
        { options: { setup_command: 'sleep 300 & setsid sleep 300 >/dev/null 2>&1 &' } },
      );
      expect(record.status).toBe('succeeded');
      expect(record.outcome?.kill?.survivors ?? 0).toBe(0);
      await expectSound(app(), record);
    },
  );

  about('setup', 'max_output_bytes is for the setup and for the command each', async () => {
    const record = await run(
      { output: [piece('stdout', 'x'.repeat(900))] },
      { options: { max_output_bytes: 1000, setup_command: 'head -c 50000 /dev/zero' } },
    );
    expect(record.outcome).toMatchObject({
      stdout: { bytes: 900, kept: 900 },
      setup_stdout: { bytes: 50_000, kept: 1000 },
    });
    await expectSound(app(), record);
  });
}
