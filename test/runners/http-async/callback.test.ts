import { expect, test } from 'vitest';
import { accept, app, backend, ended, payload, polls, run, start, states } from './scene.ts';

test('the completion URL reaches the backend; its callback ends the run before the next poll', async () => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', ...states('running'));
  const more = {
    callback: { header: 'X-Done-Url', body_field: 'hooks.done' },
    body: { a: 1 },
    poll_interval_seconds: 3600,
  };
  await start('cb', more);
  await expect.poll(() => polls().length).toBe(1);
  const address = new URL(String(backend.seen[0]?.headers['x-done-url']));
  expect(JSON.parse(backend.seen[0]?.body ?? '')).toEqual({ a: 1, hooks: { done: address.href } });
  const post = (path: string, body: unknown) =>
    app.request({ method: 'POST', url: path, payload: body as object });
  const path = address.pathname + address.search;
  for (const wrong of [
    path.replace(/token=./, 'token=!'),
    path.replace(/.$/, ''),
    path.replace('/cb/', '/other/'),
    `${address.pathname}?token=`,
  ])
    expect((await post(wrong, { status: 'completed' })).statusCode, wrong).toBeGreaterThanOrEqual(400);
  expect(app.engine.status('cb')).toBe('running');
  expect((await post(path, { status: 'running', n: 1 })).statusCode).toBe(204);
  expect((await post(path, { status: 'completed', n: 2 })).statusCode).toBe(204);
  const record = await ended('cb');
  expect(record.status).toBe('succeeded');
  expect(payload(record)).toEqual({ status: 'completed', n: 2 });
  expect((await post(path, { status: 'failed' })).statusCode).toBe(204);
  expect(app.engine.record('cb').status).toBe('succeeded');
  const { searchParams } = address;
  expect(JSON.stringify(record) + JSON.stringify(await app.events('cb'))).not.toContain(
    searchParams.get('token'),
  );
});

test('a callback without a state makes the run poll now', async () => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', ...states('running', 'completed'));
  await start('cb', { callback: { header: 'x-hook' }, poll_interval_seconds: 3600 });
  await expect.poll(() => polls().length).toBe(1);
  const address = new URL(String(backend.seen[0]?.headers['x-hook']));
  await app.request({ method: 'POST', url: address.pathname + address.search, payload: { news: true } });
  expect((await ended('cb')).status).toBe('succeeded');
});

test('a callback alone is enough where there is nothing to poll, also when it is faster than the kickoff', async () => {
  const only = {
    poll_url_template: undefined,
    poll_run_id_path: undefined,
    callback: { body_field: 'webhook' },
  };
  backend.on('/jobs', async (response, { body }) => {
    const address = new URL(JSON.parse(body).webhook);
    await app.request({
      method: 'POST',
      url: address.pathname + address.search,
      payload: { status: 'completed' },
    });
    await accept()(response, backend.seen[0] as never);
  });
  expect((await run(only)).status).toBe('succeeded');
});
