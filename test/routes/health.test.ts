import { expect, test } from 'vitest';
import { stubApp } from '../helpers/stub-app.ts';

test('healthz says that the process lives, to anyone', async () => {
  await using stub = stubApp({ token: 'a-long-enough-token' });
  const response = await stub.app.inject({ url: '/healthz', headers: { host: '10.1.2.3:7070' } });
  expect([response.statusCode, response.json()]).toEqual([200, { status: 'ok' }]);
});

test('readyz turns 503 when a run would not be taken', async () => {
  await using stub = stubApp();
  const recovery = { queued: 5, resumed: 6, lost: 7, still_recovering: 8 };
  const ready = await stub.app.inject('/readyz');
  expect([ready.statusCode, ready.json()]).toEqual([
    200,
    { ready: true, reason: null, running: 3, queued: 4, recovery },
  ]);
  stub.engine.ready = false;
  const not = await stub.app.inject('/readyz');
  expect([not.statusCode, not.json()]).toEqual([
    503,
    { ready: false, reason: 'draining', running: 3, queued: 4, recovery },
  ]);
  expect(not.headers['retry-after']).toBe('1');
});

test('who has no token hears from readyz whether a run would be taken, and nothing of runs', async () => {
  await using stub = stubApp({ token: 'a-long-enough-token' });
  const ask = async (headers: Record<string, string>) => {
    const response = await stub.app.inject({ url: '/readyz', headers });
    return [response.statusCode, Object.keys(response.json())];
  };
  for (const authorization of ['', 'Bearer wrong', 'Basic a-long-enough-token'])
    expect(await ask({ authorization, host: '10.1.2.3' })).toEqual([200, ['ready', 'reason']]);
  expect(await ask({ authorization: 'Bearer a-long-enough-token' })).toEqual([
    200,
    ['ready', 'reason', 'running', 'queued', 'recovery'],
  ]);
  stub.engine.ready = false;
  expect(await ask({})).toEqual([503, ['ready', 'reason']]);
});
