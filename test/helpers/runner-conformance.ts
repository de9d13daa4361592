import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RuntimeEvent } from '../../src/documents/event.ts';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import type { Stream } from '../../src/documents/stream.ts';
import { assetsConform } from './assets-conformance.ts';
import { type BuiltApp, buildApp } from './build-app.ts';
import type { Behaviour, Concern, Conformance } from './conformance.ts';
import { filesConform } from './files-conformance.ts';
import { eventsOf, outputOf } from './run-events.ts';
import { expectRxp, expectRxpDocuments, RXP } from './rxp.ts';
import { sessionsConform } from './session-conformance.ts';
import { setupConforms } from './setup-conformance.ts';
import { expectSound } from './sound-run.ts';
import { terminalConforms } from './terminal-conformance.ts';
import { workspacesConform } from './workspace-conformance.ts';

const piece = (stream: Stream, bytes: string | Buffer) => ({
  stream,
  base64: Buffer.from(bytes).toString('base64'),
});
const LONG = { output: [piece('stdout', 'begun\n')], stayMs: 60_000 };

/** The one suite that every kind must pass: the contract as tests. Real engine, real store, the runner under test. */
export function testRunner(conformance: Conformance): void {
  const { kind, title, invocation, skip = {} } = conformance;
  const codes = conformance.exitCodes ?? { success: 0, failure: 3 };
  const { failedBecause = 'exit_code' } = conformance;

  describe(`The ${kind} runner${title ? ` (${title})` : ''} conforms`, () => {
    let app: BuiltApp;
    let leave: (() => Promise<void>) | undefined;
    /** All words for the kind; the runs of the suite take turns. */
    let words: string[] = [];
    let runs = 0;
    beforeAll(async () => {
      app = await buildApp(conformance.app);
      leave = await conformance.accompany?.(app);
      words = [kind, ...(app.engine.kinds.find((one) => one.kind === kind)?.aliases ?? [])];
    });
    afterAll(async () => {
      await leave?.();
      await app.end();
    });

    const asked = (behaviour: Behaviour, more: Record<string, unknown>) =>
      merge(invocation(behaviour), { runtime_kind: words[runs++ % words.length], ...more });
    const run = async (behaviour: Behaviour, more: Record<string, unknown> = {}): Promise<RunRecord> => {
      const record = await app.run(asked(behaviour, more));
      await expectRxpDocuments(app, record.invocation.invocation_id);
      return record;
    };
    const start = async (behaviour: Behaviour, more: Record<string, unknown> = {}): Promise<string> => {
      const payload = asked(behaviour, more);
      const response = await app.app.inject({ method: 'POST', url: '/invocations', payload });
      expect(response.statusCode, response.body).toBe(202);
      return (response.json() as RunRecord).invocation.invocation_id;
    };
    const cancel = (id: string) =>
      app.app.inject({ method: 'POST', url: `/invocations/${id}/cancel`, payload: {} });
    const finished = async (id: string): Promise<RunRecord> => {
      await app.engine.waitFinished(id, 50_000);
      await expectRxpDocuments(app, id);
      return app.engine.record(id);
    };
    const begun = async (id: string): Promise<void> => {
      for await (const events of app.engine.log(id).read({ after: 0, follow: true }))
        if (events.some(({ entry }) => entry.type === 'stdout' || entry.type === 'stderr')) return;
    };
    const about = (concern: Concern, name: string, body: () => Promise<void>): void => {
      const absent = skip[concern];
      if (absent === undefined) test(name, body);
      else test(name, { skip: true, meta: { absent } }, body);
    };

    test('results, descriptors and invocations are exact RxP, under every word for the kind', async () => {
      const own = app.engine.kinds.find((one) => one.kind === kind);
      for (const word of words) {
        const record = await run(
          { output: [piece('stdout', 'x')] },
          { runtime_kind: word, timeout_seconds: 40.5, output_result_path: 'result.json' },
        );
        expect(record).toMatchObject({ status: 'succeeded', runtime_kind: kind });
        expect(record.invocation.runtime_kind).toBe(word);
        expect(record.result?.runtime_kind).toBe(own?.rxpKind ?? 'unknown');
        const { invocation_id: id, working_directory: directory } = record.invocation;
        const written: unknown = JSON.parse(await readFile(join(directory, 'result.json'), 'utf8'));
        expect(written).toEqual(record.result);
        for (const event of await eventsOf(app, record)) {
          if (event.type === 'artifact') expectRxp(event.artifact, RXP.artifact);
          if (event.type === 'finished') expectRxp(event.result, RXP.result);
        }
        const listed = await app.app.inject(`/invocations?runtime_kind=${word}&limit=1000`);
        expect(JSON.stringify(listed.json())).toContain(id);
        const failed = await run({ exitCode: 3 }, { runtime_kind: word });
        expect(failed).toMatchObject({
          status: 'failed',
          result: { runtime_kind: record.result?.runtime_kind },
        });
      }
    });

    about('success', 'work that succeeds is a run that succeeded', async () => {
      const record = await run({ output: [piece('stdout', 'hello\n')] });
      expect(record).toMatchObject({
        status: 'succeeded',
        result: { status: 'succeeded', error_summary: null },
      });
      expect(record.result?.exit_code).toBe(codes.success);
      expect(record.outcome).toMatchObject({ started: true, retry_safe: false, kill: null });
      expect(outputOf(await eventsOf(app, record), 'stdout').toString()).toBe('hello\n');
      await expectSound(app, record);
    });

    about('failure', 'work that fails is a run that failed, and says why', async () => {
      const record = await run({ exitCode: 3 });
      expect(record).toMatchObject({ status: 'failed', outcome: { started: true, retry_safe: false } });
      expect(record.outcome?.failure).toEqual({ permanent: false, reason: failedBecause });
      expect(record.result?.exit_code).toBe(codes.failure);
      expect(record.result?.error_summary).toBeTruthy();
      await expectSound(app, record);
    });

    about('no output', 'work without output has two empty captures', async () => {
      const record = await run({});
      expect(record.outcome).toMatchObject({ stdout: { bytes: 0, kept: 0 }, stderr: { bytes: 0, kept: 0 } });
      await expectSound(app, record);
    });

    about('both streams', 'both streams are told in order of arrival', async () => {
      const output = [
        piece('stdout', 'one'),
        piece('stderr', 'two'),
        piece('stdout', 'three'),
        piece('stderr', 'four'),
      ];
      const record = await run({ output, pauseMs: 60 });
      const events = await eventsOf(app, record);
      const told = events.flatMap((event) =>
        event.type === 'stdout' || event.type === 'stderr' ? [[event.type, text(event)]] : [],
      );
      expect(told).toEqual([
        ['stdout', 'one'],
        ['stderr', 'two'],
        ['stdout', 'three'],
        ['stderr', 'four'],
      ]);
      await expectSound(app, record);
    });

    about('binary output', 'bytes that are no text arrive exactly', async () => {
      const bytes = Buffer.from(Array.from({ length: 1024 }, (_, i) => (i * 7) & 0xff));
      const record = await run({ output: [piece('stdout', bytes)] });
      expect(outputOf(await eventsOf(app, record), 'stdout').equals(bytes)).toBe(true);
      await expectSound(app, record);
    });

    about(
      'split characters',
      'a character is not split over two events, wherever the writes split it',
      async () => {
        const bytes = Buffer.from('aé€😀z');
        const output = [...bytes].map((byte) => piece('stdout', Buffer.from([byte])));
        const record = await run({ output, pauseMs: 15 });
        const events = await eventsOf(app, record);
        for (const event of events) if (event.type === 'stdout') expect(event).toHaveProperty('text');
        expect(outputOf(events, 'stdout').equals(bytes)).toBe(true);
        await expectSound(app, record);
      },
    );

    about('large output', 'large output is captured byte for byte', async () => {
      const record = await run({
        output: [piece('stdout', 'x'.repeat(64 * 1024 - 1).concat('\n'))],
        times: 128,
      });
      expect(record.outcome?.stdout).toMatchObject({ bytes: 8 * 1024 ** 2, kept: 8 * 1024 ** 2 });
      await expectSound(app, record);
    });

    about('output limit', 'what is over the output limit is drained and told as a gap', async () => {
      const output = [piece('stdout', 'x'.repeat(1000))];
      const record = await run({ output, times: 300 }, { options: { max_output_bytes: 1234 } });
      expect(record.outcome?.stdout).toMatchObject({ bytes: 300_000, kept: 1234 });
      let end = 1234;
      for (const event of await eventsOf(app, record))
        if (event.type === 'gap') {
          expect(event).toMatchObject({ stream: 'stdout', offset: end, reason: 'output_limit' });
          end += event.length;
        }
      expect(end).toBe(300_000);
      await expectSound(app, record);
    });

    about('timeout', 'a run that is too long is stopped, and keeps its output', async () => {
      const record = await run(LONG, { timeout_seconds: 1.5 });
      expect(record).toMatchObject({
        status: 'timed_out',
        outcome: { ended: 'timed_out', timeout_reason: 'run' },
      });
      expect(outputOf(await eventsOf(app, record), 'stdout').toString()).toBe('begun\n');
      await expectSound(app, record);
    });

    about('idle timeout', 'a run that says nothing for too long is stopped', async () => {
      const record = await run(LONG, { options: { idle_timeout_seconds: 1.5 } });
      expect(record).toMatchObject({ status: 'timed_out', outcome: { timeout_reason: 'idle' } });
      await expectSound(app, record);
    });

    about('cancel before the start', 'a run that is cancelled at once never succeeds', async () => {
      const id = await start(LONG);
      await cancel(id);
      const record = await finished(id);
      expect(record.status).toBe('cancelled');
      await expectSound(app, record);
    });

    about('cancel', 'a running run can be cancelled, and keeps its output', async () => {
      const id = await start(LONG);
      await begun(id);
      expect((await cancel(id)).statusCode).toBe(202);
      const record = await finished(id);
      expect(record).toMatchObject({
        status: 'cancelled',
        outcome: {
          ended: 'cancelled',
          retry_safe: false,
          cancelled_by: { by: 'client' },
          failure: { permanent: false, reason: 'cancelled' },
        },
      });
      expect(outputOf(await eventsOf(app, record), 'stdout').toString()).toBe('begun\n');
      await expectSound(app, record);
    });

    about('cancel twice', 'cancelling twice is cancelling once', async () => {
      const id = await start(LONG);
      await begun(id);
      const answers = await Promise.all([cancel(id), cancel(id)]);
      expect(answers.map(({ statusCode }) => statusCode)).toEqual([202, 202]);
      const record = await finished(id);
      expect(record.status).toBe('cancelled');
      expect((await cancel(id)).statusCode).toBe(200);
      expect(app.engine.record(id)).toEqual(record);
    });

    about('stubborn work', 'work that ignores being stopped is ended when its grace is over', async () => {
      const record = await run(
        { ...LONG, ignoreStop: true },
        { timeout_seconds: 1.5, options: { kill_grace_seconds: 0.3 } },
      );
      expect(record.status).toBe('timed_out');
      expect(record.outcome?.kill?.survivors ?? 0).toBe(0);
      await expectSound(app, record);
    });

    about('first reason', 'the first reason to stop wins', async () => {
      const id = await start(
        { ...LONG, ignoreStop: true },
        { timeout_seconds: 2.5, options: { kill_grace_seconds: 3 } },
      );
      await begun(id);
      await cancel(id);
      expect((await finished(id)).status).toBe('cancelled');
    });

    about('many at once', 'runs at the same time do not mix', async () => {
      const records = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          run({ output: [piece('stdout', `run ${i}`)], times: 3, pauseMs: 5 }),
        ),
      );
      for (const [i, record] of records.entries()) {
        expect(record.status).toBe('succeeded');
        expect(outputOf(await eventsOf(app, record), 'stdout').toString()).toBe(`run ${i}`.repeat(3));
        await expectSound(app, record);
      }
    });

    const suite = { conformance, app: () => app, asked, run, finished, begun, about };
    filesConform(suite);
    assetsConform(suite);
    workspacesConform(suite);
    setupConforms(suite);
    sessionsConform(suite);
    terminalConforms(suite);

    about(
      'artifacts',
      'what a run leaves in its artifact directory is collected, also when it fails',
      async () => {
        for (const exitCode of [0, 3]) {
          const record = await run(
            { files: { 'report.txt': 'kept' }, exitCode },
            { artifact_directory: 'out' },
          );
          expect(record.status).toBe(exitCode === 0 ? 'succeeded' : 'failed');
          const own = record.result?.artifacts.find(({ path }) => path.endsWith('report.txt'));
          expect(own?.metadata.sha256).toBe(createHash('sha256').update('kept').digest('hex'));
          await expectSound(app, record);
        }
      },
    );
  });
}

function merge(invocation: Record<string, unknown>, more: Record<string, unknown>): Record<string, unknown> {
  const options = { ...(invocation.options as object | undefined), ...(more.options as object | undefined) };
  return { ...invocation, ...more, options };
}

const text = (event: RuntimeEvent): string => ('text' in event && event.text) || '';
