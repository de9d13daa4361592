import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { type Backend, json, redirect, startBackend } from '../../fixtures/backend.ts';
import { type BuiltApp, buildApp } from '../../helpers/build-app.ts';

/** What listens here may not be called: each connection to it is a hole. */
const victim = createServer((_request, response) => void response.end('{"status":"completed"}'));
let connections = 0;
victim.on('connection', () => connections++);
let port: number;
/** Called by its name, which is allowed. */
let backend: Backend;
let door: string;
let app: BuiltApp;
let open: BuiltApp;

beforeAll(async () => {
  await new Promise<void>((listening) => victim.listen(0, listening));
  port = (victim.address() as AddressInfo).port;
  backend = await startBackend();
  door = backend.url.replace('127.0.0.1', 'localhost');
  app = await buildApp({
    config: { RUNWIRE_HTTP_DENY: '127.0.0.0/8,10.0.0.0/8,::1', RUNWIRE_HTTP_ALLOW: 'localhost' },
  });
  open = await buildApp();
});
beforeEach(() => {
  connections = 0;
});
afterAll(async () => {
  await app.end();
  await open.end();
  await backend[Symbol.asyncDispose]();
  victim.closeAllConnections();
  victim.close();
});

const HOSTS = [
  ...['0', '0.0.0.0', '127.1', '0x7f.1', '2130706433', '017700000001', '１２７.0.0.1', '127.0.0.1.'],
  ...['[::]', '[::1]', '[::ffff:0:0]', '[::ffff:127.0.0.1]', '[::127.0.0.1]'],
  ...['[64:ff9b::10.1.2.3]', '[64:ff9b:1::10.1.2.3]', '[2002:a01:203::1]'],
];
const at = (host: string): string => `http://${host}:${port}/`;

const DENIED = 'not allowed by this server';
const asked = {
  poll_status_path: 'status',
  poll_terminal_states: ['completed'],
  poll_interval_seconds: 0.01,
};
const summary = (record: RunRecord): string => record.result?.error_summary ?? '';

test('without rules the victim is there to be called', async () => {
  const http = { url: at('0'), method: 'GET' };
  expect((await open.run({ runtime_kind: 'http', options: { http } })).status).toBe('succeeded');
  expect(connections).toBe(1);
});

test.each(HOSTS)('nothing is sent to a denied address written as %s', async (host) => {
  const url = at(host);
  const http = await app.run({ runtime_kind: 'http', options: { http: { url } } });
  expect([http.status, summary(http)]).toEqual(['rejected', expect.stringContaining(DENIED)]);
  const kickoff = await app.run({
    runtime_kind: 'http_async',
    options: { http_async: { ...asked, url, poll_url_template: door } },
  });
  expect([kickoff.status, summary(kickoff)]).toEqual(['rejected', expect.stringContaining(DENIED)]);
  const dispatched = await app.run({ runtime_kind: 'manual', options: { manual: { dispatch_url: url } } });
  expect([dispatched.status, summary(dispatched)]).toEqual(['rejected', expect.stringContaining(DENIED)]);
  expect(connections).toBe(0);
});

test.each(['0', '2130706433', '[::]', '[::ffff:127.0.0.1]', '[64:ff9b::10.1.2.3]'])(
  'nobody is led to a denied address written as %s',
  async (host) => {
    const url = at(host);
    const job = { ...asked, url: `${door}/job` };
    const run = (more: Record<string, unknown>, fields: Record<string, unknown> = {}) =>
      app.run({ runtime_kind: 'http_async', options: { http_async: { ...job, ...more } }, ...fields });

    backend.on('/', redirect(url, 307));
    expect(summary(await app.run({ runtime_kind: 'http', options: { http: { url: door } } }))).toContain(
      DENIED,
    );
    backend.on('/job', json({}, 202));
    expect(summary(await run({ poll_url_template: url }))).toContain(DENIED);
    backend.on('/job', json({}, 202, { location: url }));
    expect(summary(await run({}))).toContain(DENIED);
    backend.on('/job', json({}, 202, { location: '/' }));
    expect(summary(await run({}))).toContain(DENIED);
    backend.on('/job', json({}, 202));
    expect(summary(await run({ stream_url_template: url, poll_transient_limit: 0 }))).toContain(DENIED);
    backend.on('/job', json({ stream: url }, 202));
    expect(summary(await run({ stream_url_path: 'stream', poll_transient_limit: 0 }))).toContain(DENIED);
    backend.on('/job', json({}, 202));
    backend.on('/poll', json({ status: 'running' }));
    const cancelled = await run(
      { poll_url_template: '/poll', cancel: { url_template: url } },
      { timeout_seconds: 0.05 },
    );
    expect(cancelled.result?.metadata.cancel).toContain(DENIED);
    expect(connections).toBe(0);
  },
);

test.each(HOSTS)('no result is delivered to a denied address written as %s', async (host) => {
  backend.on('/done', json({}));
  const { invocation } = await app.run({
    runtime_kind: 'http',
    options: { http: { url: `${door}/done` }, on_finish: { url: at(host) } },
  });
  const delivery = () => app.engine.record(invocation.invocation_id).on_finish;
  await expect.poll(() => delivery()?.state, { timeout: 5000 }).toBe('failed');
  expect(delivery()?.last_error).toContain(DENIED);
  expect(connections).toBe(0);
});
