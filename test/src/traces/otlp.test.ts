import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { type Collector, startCollector } from '../../helpers/otlp-collector.ts';
import type { ReceivedSpan } from '../../helpers/otlp-wire.ts';
import { type ServerProcess, startServer } from '../../helpers/server-process.ts';

const SECRET = 'correct-horse-battery';
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

const dataDir = mkdtempSync(join(tmpdir(), 'runwire-traces-'));
let collector: Collector;
let server: ServerProcess;

async function post(body: object, headers: Record<string, string> = {}): Promise<RunRecord> {
  const answer = await fetch(`${server.address}/invocations?wait=50`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as RunRecord;
}

const sh = (script: string, more: object = {}): object => ({
  runtime_kind: 'subprocess',
  command: ['sh', '-c', script],
  ...more,
});
const text = async (path: string): Promise<string> => (await fetch(`${server.address}${path}`)).text();
const milliseconds = (time: string | null): bigint => BigInt(Date.parse(String(time))) * 1_000_000n;

/** Below the span of the run, within it, and one after the other. */
function expectNested(root: ReceivedSpan, below: Record<string, ReceivedSpan>, names: string[]): void {
  expect(Object.keys(below).sort()).toEqual([...names].sort());
  let last = root.from;
  for (const name of names) {
    const span = below[name];
    expect(span).toMatchObject({ traceId: root.traceId, parentSpanId: root.spanId });
    if (!span) continue;
    expect(span.from >= last && span.to >= span.from && root.to >= span.to).toBe(true);
    last = span.to;
  }
}

beforeAll(async () => {
  collector = await startCollector();
  server = await startServer(dataDir, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-key=of%20the%20server',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,service.namespace=a%2Cb',
    OTEL_SERVICE_NAME: 'my-runs',
    OTEL_BSP_SCHEDULE_DELAY: '50',
    RUNWIRE_SECRET_KEY: SECRET,
    RUNWIRE_HTTP_ALLOW: '127.0.0.1',
  });
});
afterAll(async () => {
  await server.stop();
  await collector[Symbol.asyncDispose]();
  rmSync(dataDir, { recursive: true, force: true });
});
beforeEach(() => {
  collector.requests.length = 0;
});
afterEach(() => {
  collector.status = 200;
});

test('a run is a span below that of the request, with its parts below it, at the times of the record', async () => {
  const record = await post(
    sh('printenv TRACEPARENT TRACESTATE BAGGAGE; sleep 0.05; exit 3', {
      invocation_id: 'whole',
      options: { setup: { commands: ['true', ['sleep', '0.05']] }, artifacts: ['*'] },
    }),
    { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'a=b,c=d', baggage: 'user=7' },
  );
  const { root, below } = await collector.of('whole');
  expect(root).toMatchObject({
    ...{ traceId: TRACE, parentSpanId: PARENT, traceState: 'a=b,c=d', name: 'run subprocess' },
    status: { code: 2, message: 'exited with code 3' },
    attributes: {
      'runwire.status': 'failed',
      'runwire.ended': 'exited',
      'runwire.runtime_kind': 'subprocess',
      'runwire.stdout.bytes': 71,
      'error.type': 'exit_code',
    },
    resource: {
      'service.name': 'my-runs',
      'deployment.environment.name': 'test',
      'service.namespace': 'a,b',
      'telemetry.sdk.name': 'opentelemetry',
    },
  });
  expect(root.from).toBe(milliseconds(record.created_at));
  expect(root.to).toBe(milliseconds(record.finished_at));
  expectNested(root, below, ['queue', 'setup', 'run', 'collect']);
  expect(below.queue?.to).toBe(milliseconds(record.started_at));
  const took = ({ from, to }: ReceivedSpan) => Number(to - from) / 1e6;
  const { timings } = record.outcome ?? {};
  expect(took(below.run as ReceivedSpan)).toBeCloseTo(timings?.run_ms ?? 0, 1);
  expect(took(below.setup as ReceivedSpan)).toBeCloseTo(timings?.setup_ms ?? 0, 1);
  expect(below.setup?.events.map(({ name, attributes }) => [name, attributes])).toEqual([
    ['runwire.setup.command', { 'process.executable.name': 'sh', 'process.exit.code': 0 }],
    ['runwire.setup.command', { 'process.executable.name': 'sleep', 'process.exit.code': 0 }],
  ]);
  expect(below.run?.attributes).toMatchObject({ 'process.executable.name': 'sh', 'process.exit.code': 3 });
  expect(await text('/invocations/whole/stdout')).toBe(`00-${TRACE}-${root.spanId}-01\na=b,c=d\nuser=7\n`);
  expect(collector.requests[0]).toMatchObject({
    url: '/v1/traces',
    headers: { 'x-key': 'of the server', 'content-encoding': 'gzip' },
  });
});

test('a run that comes with no trace begins one; that of its own variables is taken', async () => {
  const printed = sh('echo $TRACEPARENT', { invocation_id: 'alone' });
  await post(printed);
  const { root } = await collector.of('alone');
  expect([root.parentSpanId, root.status.code]).toEqual(['', 0]);
  expect(await text('/invocations/alone/stdout')).toBe(`00-${root.traceId}-${root.spanId}-01\n`);
  const environment = { TRACEPARENT: `00-${TRACE}-${PARENT}-01`, TRACESTATE: 'x=y', BAGGAGE: 'b=1' };
  await post(sh('echo $TRACEPARENT $TRACESTATE $BAGGAGE', { invocation_id: 'own', environment }));
  const { root: own } = await collector.of('own');
  expect(own).toMatchObject({ traceId: TRACE, parentSpanId: PARENT, traceState: 'x=y' });
  expect(await text('/invocations/own/stdout')).toBe(`00-${TRACE}-${own.spanId}-01 x=y b=1\n`);
});

test('who called and does not record has the run unrecorded, and the program is told so', async () => {
  await post(sh('echo $TRACEPARENT', { invocation_id: 'unsampled' }), {
    traceparent: `00-${TRACE}-${PARENT}-00`,
  });
  expect(await text('/invocations/unsampled/stdout')).toMatch(
    new RegExp(`^00-${TRACE}-(?!${PARENT})[0-9a-f]{16}-00\n$`),
  );
  await post(sh('true', { invocation_id: 'after-unsampled' }));
  await collector.of('after-unsampled');
  const ids = collector.spans.map(({ attributes }) => attributes['runwire.invocation.id']);
  expect(ids).not.toContain('unsampled');
});

test('no secret of the server is in a span', async () => {
  const name = `${SECRET}-is-no-program`;
  await post({ invocation_id: 'masked', runtime_kind: 'subprocess', command: [name], runtime_name: name });
  const { root, below } = await collector.of('masked');
  expect(root.status.message).toContain('[redacted]-is-no-program');
  expect(root.attributes).toMatchObject({
    'runwire.ended': 'never_started',
    'error.type': 'program_not_found',
  });
  expectNested(root, below, ['queue']);
  const shown = JSON.stringify([root, below], (_, value) => (typeof value === 'bigint' ? `${value}` : value));
  expect(shown).not.toContain(SECRET);
});

test.each([
  ['cancelled', sh('sleep 60'), 'cancelled'],
  [
    'timed_out',
    sh('sleep 60', { timeout_seconds: 0.1, options: { kill_grace_seconds: 0 } }),
    'ran longer than 0.1 s',
  ],
  [
    'rejected',
    sh('true', { working_directory: '/no/such/place' }),
    'working directory does not exist: /no/such/place',
  ],
] as const)(
  'a run that is %s is an error, with the words of its record',
  async (status, invocation, words) => {
    const body = { ...invocation, invocation_id: `${status}-1` };
    const ended = post(body);
    if (status === 'cancelled') {
      const state = () => text(`/invocations/${status}-1`);
      await expect.poll(state).toContain('"status":"running"');
      await fetch(`${server.address}/invocations/${status}-1/cancel`, { method: 'POST' });
    }
    const record = await ended;
    expect(record.status).toBe(status);
    const { root, below } = await collector.of(`${status}-1`);
    expect(root.status).toEqual({ code: 2, message: record.result?.error_summary });
    expect(root.status.message).toContain(words);
    expect(root.attributes).toMatchObject({ 'error.type': status, 'runwire.status': status });
    expectNested(root, below, status === 'rejected' ? ['queue'] : ['queue', 'run']);
  },
);

test('a service that is called is told, and is a client span with what it answered', async () => {
  const seen: (string | undefined)[] = [];
  const backend = createServer((request, response) => {
    const { traceparent, tracestate, baggage } = request.headers;
    seen.push(String(traceparent), String(tracestate), String(baggage));
    response.writeHead(503).end('no');
  }).listen(0, '127.0.0.1');
  await expect.poll(() => backend.listening).toBe(true);
  const { port } = backend.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/jobs?key=private`;
  const headers = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'a=b', baggage: 'private=1' };
  await post(
    { invocation_id: 'call', runtime_kind: 'http', options: { http: { url, method: 'PUT' } } },
    headers,
  );
  const { root, below } = await collector.of('call');
  expect(seen).toEqual([`00-${TRACE}-${root.spanId}-01`, 'a=b', 'undefined']);
  expect(below.run).toMatchObject({
    kind: 3,
    attributes: {
      ...{ 'http.request.method': 'PUT', 'http.response.status_code': 503 },
      ...{ 'server.address': '127.0.0.1', 'server.port': port, 'error.type': 'status' },
    },
  });
  backend.close();
});

test('programs do not see the key of the collector', async () => {
  await post(sh('env', { invocation_id: 'env' }));
  await collector.of('env');
  expect(await text('/invocations/env/stdout')).not.toContain('OTEL_');
});

describe('A collector that does not take them', () => {
  test('costs a run nothing: what is lost is counted, and said once', async () => {
    collector.status = 400;
    for (const n of [1, 2, 3])
      expect((await post(sh('true', { invocation_id: `lost-${n}` }))).status).toBe('succeeded');
    const refused = async (): Promise<string | undefined> =>
      /^runwire_trace_spans_total\{how="refused"\} (\d+)$/m.exec(await text('/metrics'))?.[1];
    await expect.poll(refused).toBe('9');
    collector.status = 200;
    await post(sh('true', { invocation_id: 'found' }));
    await collector.of('found');
    await expect.poll(() => server.output()).toContain('traces arrive again');
    expect(server.output()).toContain('"lost":9');
    expect(server.output().split('spans are lost').length).toBe(2);
  });
});

test('what waits when the server stops is sent before it ends', async () => {
  const other = mkdtempSync(join(tmpdir(), 'runwire-traces-'));
  const stopped = await startServer(other, {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/elsewhere`,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '600000',
  });
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify(sh('true', { invocation_id: 'last' }));
  await fetch(`${stopped.address}/invocations?wait=50`, { method: 'POST', headers, body });
  expect(collector.requests).toEqual([]);
  expect(await stopped.stop()).toEqual({ code: 0, signal: null });
  const [request] = collector.requests;
  expect([request?.url, request?.headers['content-type']]).toEqual(['/elsewhere', 'application/json']);
  const sent = JSON.parse(String(request?.body)) as {
    resourceSpans: { scopeSpans: { spans: { name: string }[] }[] }[];
  };
  const names = sent.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
  expect(names.map(({ name }) => name)).toEqual(['queue', 'run', 'run subprocess']);
  rmSync(other, { recursive: true, force: true });
});

test('what a collector that never answers leaves no room for is dropped and counted, and it does not keep a server that stops', async () => {
  const other = mkdtempSync(join(tmpdir(), 'runwire-traces-'));
  collector.status = 0;
  const stopped = await startServer(other, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_TIMEOUT: '600000',
    OTEL_BSP_SCHEDULE_DELAY: '50',
    OTEL_BSP_MAX_QUEUE_SIZE: '4',
  });
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify(sh('true'));
  for (let n = 0; n < 3; n++)
    await fetch(`${stopped.address}/invocations?wait=50`, { method: 'POST', headers, body });
  await expect.poll(() => collector.requests.length).toBe(1);
  const metrics = await (await fetch(`${stopped.address}/metrics`)).text();
  expect(metrics).toContain('\nrunwire_trace_spans_total{how="dropped"} 6\n');
  expect(await stopped.stop()).toEqual({ code: 0, signal: null });
  expect(stopped.output().split('spans are lost').length).toBe(2);
  rmSync(other, { recursive: true, force: true });
});

// The API is loaded by prom-client, for types that it shares.
test('without the variables nothing of the SDK is loaded', async () => {
  const other = mkdtempSync(join(tmpdir(), 'runwire-traces-'));
  const hook = join(other, 'hook.mjs');
  writeFileSync(
    hook,
    `import { registerHooks } from 'node:module';
     registerHooks({ load(url, context, next) {
       if (/@opentelemetry.(?!api)/.test(url)) console.log('LOADED', url);
       return next(url, context);
     } });`,
  );
  const options = { NODE_OPTIONS: `--import ${hook}` };
  for (const [variables, isLoaded] of [
    [{}, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SDK_DISABLED: 'true' }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_EXPORTER: 'none' }, false],
    [{ OTEL_TRACES_EXPORTER: 'otlp' }, true],
  ] as const) {
    const started = await startServer(join(other, 'data'), { ...options, ...variables });
    await started.stop();
    expect(started.output().includes('LOADED')).toBe(isLoaded);
  }
  rmSync(other, { recursive: true, force: true });
});
