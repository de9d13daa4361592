import { expect, test } from 'vitest';
import { events, json } from '../../fixtures/backend.ts';
import { app, backend, SECRET, stderr, stdout, summary } from './scene.ts';

test('the preset replicate follows a prediction: output, logs, errors, cancel', async () => {
  const replicate = {
    preset: 'replicate',
    url: `${backend.url}/v1/predictions`,
    auth: { secret: 'TOKEN' },
    body: { version: 'v', input: {} },
    poll_interval_seconds: 0.01,
  };
  const prediction = (status: string, more = {}) => ({
    id: 'p1',
    status,
    output: null,
    error: null,
    logs: '',
    ...more,
  });
  const create = (options = replicate) =>
    app.run({ runtime_kind: 'http_async', options: { http_async: options } });
  backend.on('/v1/predictions', json(prediction('starting'), 201));
  backend.on(
    '/v1/predictions/p1',
    json(prediction('processing', { logs: 'step 1\n' })),
    json(prediction('succeeded', { logs: 'step 1\nstep 2\n', output: ['Hel', 'lo'] })),
  );
  const done = await create();
  expect(done).toMatchObject({ status: 'succeeded', result: { exit_code: 0, metadata: { run_id: 'p1' } } });
  expect([stdout(done), stderr(done)]).toEqual(['Hello', 'step 1\nstep 2\n']);
  expect(backend.seen.every(({ headers }) => headers.authorization === `Bearer ${SECRET}`)).toBe(true);

  backend.on('/v1/predictions/p1', json(prediction('failed', { error: 'out of memory' })));
  const failed = await create();
  expect(summary(failed)).toBe('backend reported terminal status: failed: out of memory');
  backend.on('/v1/predictions/p1', json(prediction('canceled')));
  expect((await create()).status).toBe('cancelled');

  backend.on('/v1/predictions/p1', json(prediction('processing')));
  backend.on('/v1/predictions/p1/cancel', json(prediction('canceled')));
  const record = await app.run({
    runtime_kind: 'http_async',
    timeout_seconds: 0.2,
    options: { http_async: replicate },
  });
  expect(record.result?.metadata.cancel).toBe('HTTP 200 OK');

  backend.on('/v1/predictions', json(prediction('starting', { urls: { stream: `${backend.url}/s` } }), 201));
  backend.on('/v1/predictions/p1', json(prediction('succeeded', { output: ['a', 'b'] })));
  backend.on('/s', events(['event: output\ndata: a', 'event: output\ndata: b', 'event: done\ndata: {}']));
  backend.on(
    '/v1/predictions/p1',
    json(prediction('processing')),
    json(prediction('succeeded', { output: ['a', 'b'] })),
  );
  expect(stdout(await create({ ...replicate, poll_interval_seconds: 0.3 }))).toBe('ab');
});
