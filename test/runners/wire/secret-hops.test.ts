import { afterEach, beforeEach, expect, test } from 'vitest';
import { httpRunner } from '../../../runners/http/runner.ts';
import { httpAsyncRunner } from '../../../runners/http-async/runner.ts';
import type { Runner } from '../../../src/contract/runner.ts';
import { addressGuard } from '../../../src/outbound/address-guard.ts';
import type { Secret } from '../../../src/outbound/secrets.ts';
import {
  type Backend,
  json,
  redirect,
  type SeenRequest,
  startBackend,
  status,
} from '../../fixtures/backend.ts';
import { makeCertificates } from '../../fixtures/certificates.ts';
import { buildEngine, type TestEngine } from '../../helpers/build-engine.ts';
import { noPlaces } from '../../helpers/no-places.ts';

const SECRET = 'r8_abcdefghijklmnop';
const secrets = new Map<string, Secret>([
  ['TOKEN', { value: SECRET, hosts: ['127.0.0.1'] }],
  ['BOTH', { value: SECRET, hosts: ['127.0.0.1', 'localhost'] }],
]);
const options = { guard: addressGuard(), secrets, places: noPlaces };

let first: Backend;
let other: Backend;
let app: TestEngine;
beforeEach(async () => {
  [first, other] = [await startBackend(), await startBackend()];
  other.on('/', status(200));
  app = buildEngine({ runners: [httpRunner(options) as Runner, httpAsyncRunner(options) as Runner] });
});
afterEach(async () => {
  await app[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

const call = (http: Record<string, unknown>) => app.run({ runtime_kind: 'http', options: { http } });
const carries = ({ headers }: SeenRequest): boolean => JSON.stringify(headers).includes(SECRET);
const auth = (header: string, secret = 'TOKEN') => ({ secret, header, scheme: 'raw' });

const HEADERS = [
  'Authorization',
  'User-Agent',
  'Accept',
  'Accept-Language',
  'Content-Type',
  'Cookie',
  'X-Key',
];

test.each(HEADERS)('a secret in %s goes to the first origin and to no other', async (header) => {
  first.on('/', redirect('/again', 307));
  first.on('/again', redirect(`${other.url}/`, 307));
  await call({ url: first.url, auth: auth(header), body: { a: 1 } });
  expect(first.seen.map(carries)).toEqual([true, true]);
  expect(other.seen.map(carries)).toEqual([false]);
  expect(other.seen[0]?.body).toBe('{"a":1}');
});

test.each(HEADERS)('a secret in %s does not come back with a hop to the first origin', async (header) => {
  first.on('/', redirect(`${other.url}/`, 307));
  other.on('/', redirect(`${first.url}/end`, 307));
  first.on('/end', status(200));
  expect((await call({ url: first.url, auth: auth(header) })).status).toBe('succeeded');
  expect([...first.seen, ...other.seen].map(({ path }) => path).sort()).toEqual(['/', '/', '/end']);
  expect(first.seen.map(carries)).toEqual([true, false]);
  expect(other.seen.map(carries)).toEqual([false]);
});

test('another name, and a host that the secret may go to as well, are other origins', async () => {
  const aliased = first.url.replace('127.0.0.1', 'localhost');
  first.on('/', redirect(`${aliased}/end`, 307));
  first.on('/end', status(200));
  await call({ url: first.url, auth: auth('User-Agent', 'BOTH') });
  expect(first.seen.map(carries)).toEqual([true, false]);
});

test('the same host by http in place of https is another origin', async () => {
  await using secure = await startBackend(makeCertificates());
  secure.on('/', redirect(`${other.url}/`, 307));
  const { status: end } = await call({ url: secure.url, auth: auth('Accept'), tls: { verify: false } });
  expect(end).toBe('succeeded');
  expect([secure.seen.map(carries), other.seen.map(carries)]).toEqual([[true], [false]]);
});

test('a spelling of the same origin keeps the secret', async () => {
  const upper = first.url.replace('http', 'HTTP').replace('127.0.0.1', '0x7f.1');
  first.on('/', redirect(`${upper}/end`, 307));
  first.on('/end', status(200));
  await call({ url: first.url, auth: auth('User-Agent') });
  expect(first.seen.map(carries)).toEqual([true, true]);
});

const job = {
  poll_status_path: 'status',
  poll_terminal_states: ['completed'],
  poll_interval_seconds: 0.01,
};
const run = (http_async: Record<string, unknown>, fields: Record<string, unknown> = {}) =>
  app.run({ runtime_kind: 'http_async', options: { http_async: { ...job, ...http_async } }, ...fields });

test('each call about a job that is redirected elsewhere leaves the secret behind', async () => {
  other.on('/', json({ status: 'completed' }));
  first.on('/kick', redirect(`${first.url}/kicked`, 307));
  first.on('/kicked', json({}, 202));
  first.on('/poll', redirect(`${other.url}/`));
  const secret = { auth: auth('User-Agent'), idempotency_header: 'Idempotency-Key' };
  const watched = await run({ ...secret, url: `${first.url}/kick`, poll_url_template: '/poll' });
  expect(watched.status).toBe('succeeded');
  expect([first.seen.map(carries), other.seen.map(carries)]).toEqual([[true, true, true], [false]]);

  first.on('/poll', json({ status: 'running' }));
  first.on('/cancel', redirect(`${other.url}/cancelled`, 307));
  const cancel = { url_template: '/cancel' };
  await run(
    { ...secret, url: `${first.url}/kick`, poll_url_template: '/poll', cancel },
    { timeout_seconds: 0.1 },
  );
  expect(other.seen.map(({ path }) => path)).toEqual(['/', '/cancelled']);
  expect(other.seen.map(carries)).toEqual([false, false]);

  first.on('/kick', redirect(`${other.url}/kicked`, 307));
  other.on('/kicked', json({ status: 'completed' }));
  await run({ ...secret, url: `${first.url}/kick`, poll_url_template: '/poll' });
  expect(other.seen.at(-1)?.path).toBe('/kicked');
  expect(other.seen.map(carries)).toEqual([false, false, false]);
});

test('an address on another host is judged by the hosts of the secret, one that the backend names gets none', async () => {
  const elsewhere = first.url.replace('127.0.0.1', 'localhost');
  first.on('/kick', json({}, 202));
  first.on('/poll', json({ status: 'completed' }));
  const url = `${first.url}/kick`;
  const refused = await run({ url, auth: auth('User-Agent'), poll_url_template: `${elsewhere}/poll` });
  expect(refused.result?.error_summary).toContain('"TOKEN" may not be sent to localhost');
  expect(first.seen).toEqual([]);
  await run({ url, auth: auth('User-Agent', 'BOTH'), poll_url_template: `${elsewhere}/poll` });
  expect(first.seen.map(carries)).toEqual([true, true]);
  first.on('/kick', json({}, 202, { location: `${elsewhere}/poll` }));
  await run({ url, auth: auth('User-Agent', 'BOTH') });
  expect(first.seen.slice(2).map(carries)).toEqual([true, false]);
});

test('a Host of the invocation stays with the host that it was for', async () => {
  first.on('/kick', json({}, 202));
  first.on('/poll', json({ status: 'running' }), json({ status: 'completed' }));
  other.on('/poll', json({ status: 'completed' }));
  const more = { url: `${first.url}/kick`, headers: { Host: 'inside.example' } };
  expect((await run({ ...more, poll_url_template: '/poll' })).status).toBe('succeeded');
  expect(first.seen.map(({ headers }) => headers.host)).toEqual(Array(3).fill('inside.example'));
  expect((await run({ ...more, poll_url_template: `${other.url}/poll` })).status).toBe('succeeded');
  expect(other.seen[0]?.headers.host).toBe(other.url.slice('http://'.length));
});

test('the rules of addresses look at where a call goes and not at its Host', async () => {
  const record = await call({ url: 'http://169.254.169.254/', headers: { Host: 'api.example.com' } });
  expect(record.result?.error_summary).toContain('calls to 169.254.169.254 are not allowed');
});

const FRAMING = [
  ...[
    'Host',
    'Content-Length',
    'Transfer-Encoding',
    'Connection',
    'Proxy-Authorization',
    'Expect',
    'Upgrade',
  ],
  ...['TE', 'Trailer', 'Keep-Alive', 'HOST', '', 'a b', 'a:b', 'a\r\nb', 'é', '__proto__'],
];

test.each(FRAMING)('no secret is put into the header %j', async (header) => {
  for (const kind of ['http', 'http_async']) {
    const spec = { ...(kind === 'http' ? {} : job), url: first.url, auth: { secret: 'TOKEN', header } };
    const answer = await app.post({ runtime_kind: kind, options: { [kind]: spec } });
    expect(answer.statusCode).toBe(422);
    const path = `options.${kind}.auth.header`;
    expect(answer.json().errors).toEqual([{ path, message: 'is no header that may carry a secret' }]);
  }
  expect(first.seen).toEqual([]);
});

test.each([
  ['headers.Host', { headers: { Host: 'x' }, auth: auth('X-Key') }],
  ['headers.hOST', { headers: { hOST: 'x' }, auth: auth('X-Key') }],
  ['headers.x-KEY', { headers: { 'x-KEY': 'mine' }, auth: auth('X-Key') }],
  ['headers.AUTHORIZATION', { headers: { AUTHORIZATION: 'mine' }, auth: { secret: 'TOKEN' } }],
  ['headers.x-a', { headers: { 'X-A': '1', 'x-a': '2' } }],
  ['callback.header', { callback: { header: 'x-key' }, auth: auth('X-Key') }],
  ['callback.header', { callback: { header: 'Host' }, auth: auth('X-Key') }],
  ['callback.header', { callback: { header: 'x-a' }, headers: { 'X-A': '1' } }],
  ['idempotency_header', { idempotency_header: 'x-key', auth: auth('X-Key') }],
  ['idempotency_header', { idempotency_header: 'host', auth: auth('X-Key') }],
  ['idempotency_header', { idempotency_header: 'x-a', callback: { header: 'X-A' } }],
])(
  'a header that hides another, or says another host beside a secret, is refused at %s',
  async (path, spec) => {
    const answer = await app.post({
      runtime_kind: 'http_async',
      options: { http_async: { ...job, url: first.url, ...spec } },
    });
    expect(answer.statusCode).toBe(422);
    expect(answer.json().errors.map((error: { path: string }) => error.path)).toEqual([
      `options.http_async.${path}`,
    ]);
  },
);

test('no line can be ended by a header', async () => {
  const { status: end, result } = await app.run({
    runtime_kind: 'http',
    options: { http: { url: first.url, headers: { 'x-a': 'a\r\nx-b: c' } } },
  });
  expect([end, result?.error_summary]).toEqual([
    'rejected',
    expect.stringContaining('has characters that cannot be sent'),
  ]);
  expect(first.seen).toEqual([]);
});

test('what is no trace context is not sent', async () => {
  for (const TRACEPARENT of ['a\r\nx-b: c', `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`])
    await app.run({
      runtime_kind: 'http',
      environment: { TRACEPARENT, TRACESTATE: 'a=b' },
      options: { http: { url: first.url } },
    });
  expect(first.seen).toHaveLength(2);
  for (const { headers } of first.seen)
    expect([headers.traceparent, headers.tracestate, headers['x-b']]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
});
