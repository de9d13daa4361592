import { describe, expect } from 'vitest';
import { type Backend, drip, json, startBackend } from '../../fixtures/backend.ts';
import { Worker } from '../../helpers/worker.ts';
import type { Walk } from './run.ts';
import { WalkSuite } from './suite.ts';

const lost = (retrySafe: boolean) =>
  ({ status: 'failed', outcome: { ended: 'lost', exit_code: null, retry_safe: retrySafe } }) as const;
const responded = { status: 'succeeded', outcome: { ended: 'responded', exit_code: 200 } } as const;
const completed = { status: 'succeeded', outcome: { ended: 'completed', exit_code: 0 } } as const;

describe('A run of another kind whose server is killed', () => {
  const suite = new WalkSuite('The server was killed during a run of another kind:');

  for (const [method, point] of [
    ['GET', 'journal grew, not told'],
    ['GET', 'result stored'],
    ['POST', 'insert committed'],
    ['POST', 'journal grew, not told'],
    ['POST', 'facts received'],
    ['POST', 'result stored'],
    ['POST', 'result committed'],
  ] as const) {
    const known = point === 'result committed';
    suite.try(`http, ${method}, at "${point}" is ${known ? 'as it was answered' : 'lost'}`, async (walk) => {
      await using backend = await startBackend();
      backend.on('/slow', drip('piece\n', 20, 5));
      await walk.step({
        point,
        said: `http ${method}: ${point}`,
        body: { runtime_kind: 'http', options: { http: { url: `${backend.url}/slow`, method } } },
        wrote: { stdout: 'piece\n'.repeat(5), stderr: '' },
        expected: known ? responded : lost(method === 'GET'),
      });
      expect(backend.seen.length, 'requests that were sent').toBeLessThan(2);
    });
  }

  suite.try('http, whose result file is there before its record, is as that says', async (walk) => {
    await using backend = await startBackend();
    backend.on('/', json({ answer: 42 }));
    await walk.step({
      point: 'result file in place',
      said: 'http with output_result_path: result file in place',
      body: {
        runtime_kind: 'http',
        output_result_path: 'result.json',
        options: { http: { url: `${backend.url}/` } },
      },
      wrote: { stdout: '{"answer":42}', stderr: '' },
      expected: responded,
    });
    expect(backend.seen).toHaveLength(1);
  });

  for (const [point, header, kickoffs] of [
    ['job not kept', false, 1],
    ['job not kept', true, 2],
    ['job kept', false, 1],
    ['journal grew, not told', false, 1],
    ['facts received', false, 1],
    ['result made', false, 1],
  ] as const) {
    const said = `http_async${header ? ' with an idempotency header' : ''}: ${point}`;
    const unknown = point === 'job not kept' && !header;
    suite.try(`${said}: ${unknown ? 'lost, and not sent again' : 'ends as the job ended'}`, async (walk) => {
      await using backend = await startBackend();
      await walk.step({
        point,
        said,
        ...job(backend, header ? { idempotency_header: 'Idempotency-Key' } : {}),
        expected: unknown ? lost(false) : completed,
      });
      expect(backend.seen.filter(({ path }) => path === '/jobs')).toHaveLength(kickoffs);
    });
  }

  const manual = { runtime_kind: 'manual', options: { manual: { lease_seconds: 0.5 } } };
  const wrote = { stdout: 'one two', stderr: '' };

  for (const point of ['insert committed', 'claim not kept', 'claim kept'])
    suite.try(`manual, at "${point}" is given to a worker, for nobody was told that he has it`, (walk) =>
      walk.step({
        point,
        said: `manual: ${point}`,
        body: manual,
        wrote,
        act: () => Worker.claim(walk.server.url, { wait_seconds: 20 }).catch(() => null),
        later: async () => finish(walk, await Worker.sure(walk.server.url)),
        expected: completed,
      }),
    );

  for (const point of [
    'journal grew, not told',
    'completion not kept',
    'completion kept',
    'result made',
    'result stored',
  ])
    suite.try(`manual, at "${point}" ends as its worker says, who asks again`, async (walk) => {
      let worker: Worker | null = null;
      await walk.step({
        point,
        nth: point.startsWith('journal') ? 2 : 1, // the first tells of the claim
        said: `manual: ${point}`,
        body: { runtime_kind: 'manual' },
        wrote,
        async act() {
          worker = await Worker.sure(walk.server.url);
          await worker.events([{ type: 'stdout', text: 'one ' }]).catch(() => null);
          await finish(walk, worker).catch(() => null);
        },
        async later() {
          if (worker !== null) await finish(walk, worker);
        },
        expected: completed,
      });
    });

  suite.restartOnceMore();
});

function job(backend: Backend, more: object) {
  backend.on('/jobs', json({ id: 'a' }, 202));
  const running = json({ status: 'running', log: 'one\n' });
  backend.on('/jobs/a', running, running, json({ status: 'done', log: 'one\ntwo\n' }));
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
}

/** The worker says the rest, wherever the server is by now. */
async function finish({ server }: Walk, { claimed }: Worker): Promise<void> {
  const worker = new Worker(server.url, claimed);
  await worker.events([{ type: 'stdout', offset: 0, text: 'one two' }]);
  await worker.complete({ status: 'succeeded', exit_code: 0 });
}
