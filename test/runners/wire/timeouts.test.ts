import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { httpRunner } from '../../../runners/http/runner.ts';
import type { Runner } from '../../../src/contract/runner.ts';
import { addressGuard } from '../../../src/outbound/address-guard.ts';
import { drip, hang, status } from '../../fixtures/backend.ts';
import { buildEngine } from '../../helpers/build-engine.ts';
import { noPlaces } from '../../helpers/no-places.ts';
import { app, backend, call, secrets, stdout, summary } from '../http/scene.ts';

test('the timeout cuts a body that drips; what came is kept', async () => {
  backend.on('/', drip('drop ', 20));
  const record = await call({ url: backend.url }, { timeout_seconds: 0.5 });
  expect(record).toMatchObject({
    status: 'timed_out',
    result: { exit_code: 200 },
    outcome: { ended: 'timed_out', timeout_reason: 'run', retry_safe: false },
  });
  expect(summary(record)).toContain('timeout of 0.5 s');
  expect(stdout(record)).toMatch(/^(drop )+$/);
  await expect.poll(() => backend.connections()).toBe(0);
});

test('the timeout holds where no answer comes, and where no connection does', async () => {
  backend.on('/', hang());
  const silent = await call({ url: backend.url }, { timeout_seconds: 0.3 });
  expect(silent).toMatchObject({ status: 'timed_out', outcome: { started: true, retry_safe: false } });
  await expect.poll(() => backend.connections()).toBe(0);
  // TEST-NET-1: nobody answers there, or the network refuses at once.
  const nobody = await call({ url: 'http://192.0.2.1/' }, { timeout_seconds: 0.3 });
  expect(nobody.outcome).toMatchObject({ started: false, retry_safe: true });
});

test('the timeout holds while a name is looked up', async () => {
  const deaf = { ...addressGuard(), lookup: () => {} };
  await using waiting = buildEngine({
    runners: [httpRunner({ guard: deaf, secrets, places: noPlaces }) as Runner],
  });
  const record = await waiting.run({
    runtime_kind: 'http',
    timeout_seconds: 0.3,
    options: { http: { url: 'http://localhost:1/' } },
  });
  expect(record).toMatchObject({ status: 'timed_out', outcome: { started: false, retry_safe: true } });
});

test('cancel aborts the socket and keeps what came', async () => {
  backend.on('/', drip('drop ', 10));
  await app.post({ runtime_kind: 'http', invocation_id: 'c', options: { http: { url: backend.url } } });
  await expect.poll(() => readFileSync(app.engine.directory('c').stdout, 'utf8')).toContain('drop');
  await app.request({ method: 'POST', url: '/invocations/c/cancel' });
  await app.engine.waitFinished('c', 10_000);
  const record = app.engine.record('c');
  expect(record).toMatchObject({ status: 'cancelled', outcome: { ended: 'cancelled' } });
  expect(stdout(record)).toMatch(/^(drop )+$/);
  await expect.poll(() => backend.connections()).toBe(0);
});

test('the timeout holds while a retry waits for Retry-After', async () => {
  backend.on('/', status(503, { 'retry-after': '3600' }));
  const record = await call({ url: backend.url, retry: { attempts: 2 } }, { timeout_seconds: 0.3 });
  expect(record.status).toBe('timed_out');
});
