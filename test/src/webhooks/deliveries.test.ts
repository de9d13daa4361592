import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Delivery, newDelivery } from '../../../src/documents/delivery.ts';
import type { Invocation } from '../../../src/documents/invocation.ts';
import { addressGuard } from '../../../src/outbound/address-guard.ts';
import { sign } from '../../../src/outbound/signature.ts';
import { InvocationStore } from '../../../src/store/invocation-store.ts';
import { type Deliveries, startDeliveries } from '../../../src/webhooks/deliveries.ts';
import { newRow } from '../../helpers/documents.ts';

const RESULT = '{"status":"succeeded","text":"é"}';
const SECRET = 'whsec_bXkgb3duIHNlY3JldA==';
let directory: string;
let store: InvocationStore;
let server: Server;
let base: string;
let deliveries: Deliveries;
let answer: (response: ServerResponse, attempt: number, path: string) => void;
let received: { path: string; headers: IncomingHttpHeaders; body: string }[];
let logged: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'runwire-delivery-'));
  store = new InvocationStore(join(directory, 'runwire.db'));
  received = [];
  logged = '';
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = request.url ?? '';
    received.push({ path, headers: request.headers, body: Buffer.concat(chunks).toString() });
    answer(response, received.length, path);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  deliveries = begin();
});
afterEach(async () => {
  await deliveries.stop(0);
  store.close();
  server.close().closeAllConnections();
  await rm(directory, { recursive: true, force: true });
});

function begin(more: Partial<Parameters<typeof startDeliveries>[0]> = {}): Deliveries {
  const note = (facts: object, message: string) => {
    logged += `${JSON.stringify(facts)} ${message}\n`;
  };
  const schedule = { attempts: 4, firstMs: 1, factor: 1, maxMs: 50, jitter: 0 };
  return startDeliveries({
    store,
    guard: addressGuard(),
    log: { info: note, warn: note },
    schedule,
    ...more,
  });
}

function finished(id: string, url = `${base}/hook`, secret: string | null = SECRET): void {
  const delivery = newDelivery({
    options: { on_finish: { url, secret: secret ?? undefined } },
  } as Invocation);
  store.insert(newRow(id, delivery && { delivery }));
  store.finish(id, { status: 'succeeded', finishedAt: 2, result: RESULT, outcome: '{}', outputBytes: 0 });
}

const state = (id: string) => JSON.parse(store.get(id)?.delivery ?? 'null') as Delivery;
const settled = (id: string) =>
  vi.waitFor(() => expect(state(id).state).not.toBe('pending'), { timeout: 5000, interval: 5 });
const status =
  (code: number, headers = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(code, headers).end();

test('the stored result is posted once, with a signature that the receiver can check', async () => {
  answer = status(204);
  finished('a');
  deliveries.start('a');
  await settled('a');
  expect(received).toHaveLength(1);
  const { headers = {}, body = '' } = received[0] ?? {};
  expect(body).toBe(RESULT);
  expect(headers['content-type']).toBe('application/json');
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = headers;
  expect(signature).toBe(sign(SECRET, String(id), String(timestamp), body));
  expect(state('a')).toEqual({
    url: `${base}/hook`,
    state: 'delivered',
    attempts: 1,
    last_status: 204,
    last_error: null,
    next_attempt_at: null,
  });
});

test('failures are tried again with the same webhook-id until one succeeds', async () => {
  answer = (response, attempt) => {
    if (attempt === 1) response.socket?.destroy();
    else status(attempt === 2 ? 500 : 200)(response);
  };
  finished('a');
  deliveries.start('a');
  await settled('a');
  expect(state('a')).toMatchObject({ state: 'delivered', attempts: 3, last_status: 200, last_error: null });
  expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
});

test('a receiver that never agrees is given up after the last attempt', async () => {
  answer = status(503);
  finished('a');
  deliveries.start('a');
  await settled('a');
  expect(received).toHaveLength(4);
  expect(state('a')).toMatchObject({
    state: 'failed',
    attempts: 4,
    last_status: 503,
    last_error: 'answered 503',
  });
});

test('410 stops at once', async () => {
  answer = status(410);
  finished('a');
  deliveries.start('a');
  await settled('a');
  expect(received).toHaveLength(1);
  expect(state('a')).toMatchObject({ state: 'failed', attempts: 1, last_status: 410 });
});

test('a redirect is a failure and is not followed', async () => {
  answer = status(307, { location: '/elsewhere' });
  finished('a');
  deliveries.start('a');
  await settled('a');
  expect(new Set(received.map(({ path }) => path))).toEqual(new Set(['/hook']));
  expect(state('a')).toMatchObject({ state: 'failed', last_error: 'answered 307' });
});

test('a receiver that drips its headers is cut off; one that drips its body has agreed', async () => {
  await deliveries.stop();
  deliveries = begin({
    timeoutMs: 1000,
    schedule: { attempts: 1, firstMs: 1, factor: 1, maxMs: 1, jitter: 0 },
  });
  answer = (response, _attempt, path) => {
    if (path === '/body') response.writeHead(200).write('x');
    const drip = setInterval(
      () => (path === '/body' ? response.write('x') : response.socket?.write('H')),
      20,
    );
    response.on('close', () => clearInterval(drip));
  };
  finished('head', `${base}/head`);
  finished('body', `${base}/body`);
  deliveries.start('head');
  deliveries.start('body');
  await settled('head');
  await settled('body');
  expect(state('head')).toMatchObject({ state: 'failed', last_status: null });
  expect(state('body')).toMatchObject({ state: 'delivered', last_status: 200 });
});

test('a receiver that says nothing is named as such', async () => {
  await deliveries.stop();
  deliveries = begin({
    timeoutMs: 50,
    schedule: { attempts: 1, firstMs: 1, factor: 1, maxMs: 1, jitter: 0 },
  });
  answer = () => {};
  finished('a');
  deliveries.start('a');
  await settled('a');
  expect(state('a')).toMatchObject({ state: 'failed', last_error: 'no answer within 0.05 s' });
});

test('an answer without end is cut off and counts by its status', async () => {
  answer = (response) => {
    response.writeHead(200);
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(16_384)));
    };
    response.on('drain', more);
    more();
  };
  finished('a');
  deliveries.start('a');
  await settled('a');
  expect(state('a')).toMatchObject({ state: 'delivered', attempts: 1 });
});

test('nobody listening, and an address that is not allowed, are told apart', async () => {
  answer = status(200);
  finished('nobody', 'http://127.0.0.1:1/');
  finished('metadata', 'http://169.254.169.254/latest');
  deliveries.start('nobody');
  deliveries.start('metadata');
  await settled('nobody');
  await settled('metadata');
  expect(state('nobody')).toMatchObject({ attempts: 4, last_error: 'request failed: ECONNREFUSED' });
  expect(state('metadata')).toMatchObject({
    state: 'failed',
    attempts: 1,
    last_error: 'calls to 169.254.169.254 are not allowed by this server',
  });
});

test('an attempt broken off by a stop is made again after a restart, with the secret', async () => {
  answer = (response, attempt) => {
    if (attempt > 1) status(200)(response);
  };
  finished('a');
  deliveries.start('a');
  await vi.waitFor(() => expect(received).toHaveLength(1), { timeout: 5000 });
  await deliveries.stop(0);
  expect(state('a')).toMatchObject({ state: 'pending', attempts: 0 });
  store.close();
  store = new InvocationStore(join(directory, 'runwire.db'));
  deliveries = begin();
  expect(deliveries.resume()).toBe(1);
  await settled('a');
  const [first, second] = received.map(({ headers }) => headers);
  expect(second?.['webhook-id']).toBe(first?.['webhook-id']);
  expect(second?.['webhook-signature']).toMatch(/^v1,/);
});

test('Retry-After moves the next attempt, which the record names and a restart keeps', async () => {
  answer = status(429, { 'retry-after': '3600' });
  await deliveries.stop();
  deliveries = begin({ schedule: { attempts: 4, firstMs: 1, factor: 1, maxMs: 7_200_000, jitter: 0 } });
  const before = Date.now();
  finished('a');
  deliveries.start('a');
  await vi.waitFor(() => expect(state('a').attempts).toBe(1), { timeout: 5000 });
  const due = Date.parse(state('a').next_attempt_at ?? '');
  expect(due).toBeGreaterThanOrEqual(before + 3_600_000);
  await deliveries.stop();
  deliveries = begin();
  expect(deliveries.resume()).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(received).toHaveLength(1);
});

test('a receiver that names two different waits names none', async () => {
  answer = (response, attempt) =>
    attempt === 1 ? status(503, { 'retry-after': ['3600', '7200'] })(response) : status(200)(response);
  await deliveries.stop();
  deliveries = begin({ schedule: { attempts: 4, firstMs: 1, factor: 1, maxMs: 7_200_000, jitter: 0 } });
  finished('a');
  deliveries.start('a');
  await settled('a');
  expect(state('a')).toMatchObject({ state: 'delivered', attempts: 2 });
});

test('no more are under way at once than allowed, and all arrive', async () => {
  await deliveries.stop();
  deliveries = begin({ concurrency: 2 });
  let now = 0;
  let most = 0;
  answer = (response) => {
    most = Math.max(most, ++now);
    setTimeout(() => {
      now--;
      status(200)(response);
    }, 5);
  };
  const ids = Array.from({ length: 8 }, (_, at) => `r${at}`);
  for (const id of ids) finished(id);
  for (const id of ids) deliveries.start(id);
  await Promise.all(ids.map(settled));
  expect(most).toBe(2);
});

test('a run that is deleted meanwhile is not delivered any more', async () => {
  answer = (response) => {
    store.remove('a');
    status(500)(response);
  };
  finished('a');
  deliveries.start('a');
  await vi.waitFor(() => expect(logged).toContain('"attempts":1'), { timeout: 5000 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(received).toHaveLength(1);
});

test('the secret is in no log, no record, and after the delivery not in the store', async () => {
  answer = status(500);
  finished('a');
  deliveries.start('a');
  await settled('a');
  expect(logged).toContain('result delivery');
  expect(logged + JSON.stringify(store.list({ limit: 9 }))).not.toContain(SECRET);
  expect(store.delivery('a')?.secret).toBeNull();
});
