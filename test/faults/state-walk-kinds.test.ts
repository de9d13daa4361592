import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Backend, drip, json, startBackend } from '../fixtures/backend.ts';
import { Worker } from '../helpers/worker.ts';
import { Walk } from './state-walk-run.ts';

const lost = (retrySafe: boolean) => ({
  status: 'failed',
  outcome: { ended: 'lost', exit_code: null, retry_safe: retrySafe } as const,
});

describe('A run of another kind whose server is killed', () => {
  const walk = new Walk();
  const { server } = walk;
  let backend: Backend;
  beforeAll(async () => {
    backend = await startBackend();
  });
  afterAll(async () => {
    await walk.end('The server was killed during a run of another kind:');
    await backend[Symbol.asyncDispose]();
  });

  const call = (method: string) => ({
    body: { runtime_kind: 'http', options: { http: { url: `${backend.url}/slow`, method } } },
    wrote: { stdout: 'piece\n'.repeat(5), stderr: '' },
  });
  for (const [method, retrySafe] of [
    ['GET', true],
    ['POST', false],
  ] as const)
    for (const point of ['insert committed', 'journal grew, not told', 'facts received', 'result stored'])
      test(`http, ${method}, at "${point}" is lost, and ${retrySafe ? 'may' : 'must not'} be sent again`, () => {
        backend.on('/slow', drip('piece\n', 20, 5));
        return walk.step({
          point,
          said: `http ${method}: ${point}`,
          ...call(method),
          expected: lost(retrySafe),
        });
      });
  test('http, at "result committed" ends as it was answered', () => {
    backend.on('/slow', drip('piece\n', 20, 5));
    const expected = { status: 'succeeded', outcome: { ended: 'responded', exit_code: 200 } } as const;
    return walk.step({
      point: 'result committed',
      said: 'http: result committed',
      ...call('POST'),
      expected,
    });
  });

  const job = (more: object = {}) => {
    backend.on('/jobs', json({ id: 'a' }, 202));
    backend.on(
      '/jobs/a',
      json({ status: 'running', log: 'one\n' }),
      json({ status: 'done', log: 'one\ntwo\n' }),
    );
    const spec = {
      url: `${backend.url}/jobs`,
      poll_url_template: '/jobs/{run_id}',
      poll_run_id_path: 'id',
      poll_status_path: 'status',
      poll_terminal_states: ['done'],
      poll_success_states: ['done'],
      poll_interval_seconds: 0.05,
      log_path: 'log',
      ...more,
    };
    return {
      body: { runtime_kind: 'http_async', options: { http_async: spec } },
      wrote: { stderr: 'one\ntwo\n' },
    };
  };
  const done = { status: 'succeeded', outcome: { ended: 'completed' } } as const;
  const kickoffs = () => backend.seen.filter(({ path }) => path === '/jobs').length;
  test('http_async, when the backend has taken the job and nothing tells of it, is lost and not sent again', async () => {
    const before = kickoffs();
    await walk.step({
      point: 'job not kept',
      said: 'http_async: job taken, not kept',
      ...job(),
      expected: lost(false),
    });
    expect(kickoffs()).toBe(before + 1);
  });
  test('http_async, the same with an idempotency header, is sent again and ends as it ended', () =>
    walk.step({
      point: 'job not kept',
      said: 'http_async with an idempotency header: job taken, not kept',
      ...job({ idempotency_header: 'Idempotency-Key' }),
      expected: done,
    }));
  for (const point of ['job kept', 'journal grew, not told', 'facts received', 'result made'])
    test(`http_async, at "${point}" ends as the job ended, which was started once`, async () => {
      const before = kickoffs();
      await walk.step({ point, said: `http_async: ${point}`, ...job(), expected: done });
      expect(kickoffs()).toBe(before + 1);
    });

  const manual = {
    body: { runtime_kind: 'manual', options: { manual: { lease_seconds: 0.5 } } },
    wrote: { stdout: 'one two', stderr: '' },
  };
  const completed = { status: 'succeeded', outcome: { ended: 'completed', exit_code: 0 } } as const;
  const take = async (): Promise<Worker> => Worker.sure(server.url);
  const finish = async (worker: Worker): Promise<void> => {
    const here = new Worker(server.url, worker.claimed);
    await here.events([{ type: 'stdout', offset: 0, text: 'one two' }]);
    await here.complete({ status: 'succeeded', exit_code: 0 });
  };
  test('manual, at "insert committed" still waits for a worker', () =>
    walk.step({
      point: 'insert committed',
      said: 'manual: insert committed',
      ...manual,
      later: async () => finish(await take()),
      expected: completed,
    }));
  for (const point of ['claim not kept', 'claim kept'])
    test(`manual, at "${point}" is given to another worker, for the first was never told`, () =>
      walk.step({
        point,
        said: `manual: ${point}`,
        ...manual,
        act: () => Worker.claim(server.url, { wait_seconds: 20 }).catch(() => null),
        later: async () => finish(await take()),
        expected: completed,
      }));
  for (const point of [
    'journal grew, not told',
    'completion not kept',
    'completion kept',
    'result made',
    'result stored',
  ])
    test(`manual, at "${point}" ends as its worker says, who asks again`, async () => {
      let worker: Worker | null = null;
      await walk.step({
        point,
        nth: point.startsWith('journal') ? 2 : 1,
        said: `manual: ${point}`,
        body: { runtime_kind: 'manual' },
        wrote: manual.wrote,
        async act() {
          worker = await take();
          await worker.events([{ type: 'stdout', text: 'one ' }]).catch(() => null);
          await finish(worker).catch(() => null);
        },
        async later() {
          if (worker !== null) await finish(worker);
        },
        expected: completed,
      });
    });

  test('what was walked last is still what it was after one more restart', async () => {
    await server.crash();
    await server.startUnlessUp();
    await walk.expectPreviousUnchanged();
  });
});
