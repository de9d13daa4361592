import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BuiltApp, buildApp } from '../../helpers/build-app.ts';
import { Worker } from '../../helpers/worker.ts';

let app: BuiltApp;
let url: string;
beforeAll(async () => {
  app = await buildApp();
  url = await app.listen();
});
afterAll(() => app?.end());

test('a worker gets addresses that it may read from until its run is over; records have the placeholders', async () => {
  const headers = { 'content-type': 'application/octet-stream' };
  await fetch(`${url}/assets/model`, { method: 'PUT', headers, body: 'weights' });
  const command = ['fetch', '{{static:model}}', '${run.id}'];
  const options = { assets: { model: {} }, template: true };
  const posted = await fetch(`${url}/invocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ runtime_kind: 'manual', command, options }),
  });
  const { invocation } = (await posted.json()) as {
    invocation: { invocation_id: string; command: string[] };
  };
  const worker = await Worker.claim(url, { wait_seconds: 20 });
  const [, address = '', id] = worker?.claimed.invocation.command ?? [];
  expect([invocation.command, id]).toEqual([command, invocation.invocation_id]);
  expect(new URL(address).origin).toBe(url);
  expect(await (await fetch(address)).text()).toBe('weights');
  const shown = await (await fetch(`${url}/invocations/${id}`)).text();
  expect(shown).not.toContain('signature=');
  await app.engine.cancel(id ?? '', 0);
  await app.engine.waitFinished(id ?? '', 20_000);
  expect((await fetch(address)).status).toBe(403);
});
