import { expect, test } from 'vitest';
import { json, status } from '../../fixtures/backend.ts';
import { app, backend, call, closedPort, response, stdout } from './scene.ts';

test('retries are off by default, and follow what on says', async () => {
  backend.on('/', status(503, {}, 'busy'), status(429, { 'retry-after': '0' }), json({ ok: 1 }));
  expect((await call({ url: backend.url })).result?.exit_code).toBe(503);
  backend.on('/', status(503, {}, 'busy'), status(429, { 'retry-after': '0' }), json({ ok: 1 }));
  const record = await call(
    { url: backend.url, retry: { attempts: 5, backoff_seconds: 0.01 } },
    { invocation_id: 'r' },
  );
  expect(record.status).toBe('succeeded');
  expect(stdout(record)).toBe('{"ok":1}');
  expect(response(record).attempts).toBe(3);
  const waits = (await app.events('r')).filter(({ type }) => type === 'progress');
  expect(waits).toMatchObject([{ data: { attempt: 1, status: 503 } }, { data: { attempt: 2, status: 429 } }]);
  backend.on('/', status(503));
  const only = await call({ url: backend.url, retry: { attempts: 5, on: ['429'] } });
  expect(response(only).attempts).toBe(1);
});

test('the last attempt is the answer; a refused connection is tried again where that is wanted', async () => {
  backend.on('/', status(503, {}, 'still busy'));
  const record = await call({ url: backend.url, retry: { attempts: 3, backoff_seconds: 0 } });
  expect(record).toMatchObject({ status: 'failed', result: { exit_code: 503 } });
  expect(stdout(record)).toBe('still busy');
  const url = `http://127.0.0.1:${await closedPort()}/`;
  const refused = await call(
    { url, retry: { attempts: 3, backoff_seconds: 0 } },
    { invocation_id: 'refused' },
  );
  expect(refused.outcome).toMatchObject({ ended: 'never_started', retry_safe: true });
  expect((await app.events('refused')).filter(({ type }) => type === 'progress')).toHaveLength(2);
});
