import { expect, test } from 'vitest';
import { readTraceSettings } from '../../../src/traces/settings.ts';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

test.each([
  [{}, null],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }, null],
  [{ ...ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' }, null],
  [{ ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }, null],
  [{ OTEL_TRACES_EXPORTER: 'otlp' }, 'http://localhost:4318/v1/traces'],
  [ENDPOINT, 'http://collector:4318/v1/traces'],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector/otlp/' }, 'https://collector/otlp/v1/traces'],
  [{ ...ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://other/as/it/is' }, 'http://other/as/it/is'],
] as const)('%j asks for traces to %s', (environment, url) => {
  const { settings, warnings } = readTraceSettings(environment);
  expect([settings?.url ?? null, warnings]).toEqual([url, []]);
});

test('what is not said is as OpenTelemetry has it', () => {
  expect(readTraceSettings(ENDPOINT).settings).toEqual({
    ...{
      url: 'http://collector:4318/v1/traces',
      protocol: 'http/protobuf',
      compression: 'none',
      headers: {},
    },
    ...{ timeoutMs: 10_000, tls: {}, sampler: { name: 'parentbased_always_on', ratio: 1 } },
    queue: { spans: 2048, batch: 512, delayMs: 5000 },
    resource: { 'service.name': 'runwire' },
  });
});

test('what is said of traces goes before what is said of all', () => {
  const { settings } = readTraceSettings({
    ...ENDPOINT,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=2',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'b=a%20word',
    OTEL_TRACES_SAMPLER: 'traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.25',
    OTEL_RESOURCE_ATTRIBUTES: 'service.name=other,k=v%3D',
    OTEL_SERVICE_NAME: 'mine',
  });
  expect(settings).toMatchObject({
    protocol: 'http/json',
    headers: { a: '1', b: 'a word' },
    sampler: { name: 'traceidratio', ratio: 0.25 },
    resource: { 'service.name': 'mine', k: 'v=' },
  });
});

test.each([
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc', /^OTEL_EXPORTER_OTLP_PROTOCOL must be .*: no traces are sent$/],
  ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'collector:4317', /_TRACES_ENDPOINT must be an http/],
  ['OTEL_TRACES_EXPORTER', 'zipkin', /^OTEL_TRACES_EXPORTER must be otlp or none/],
])('%s=%s is told, and has nothing sent', (name, value, words) => {
  const { settings, warnings } = readTraceSettings({ ...ENDPOINT, [name]: value });
  expect([settings, warnings]).toEqual([null, [expect.stringMatching(words)]]);
});

test.each([
  ['OTEL_TRACES_SAMPLER', 'jaeger_remote'],
  ['OTEL_TRACES_SAMPLER_ARG', '2'],
  ['OTEL_BSP_MAX_QUEUE_SIZE', '-1'],
  ['OTEL_EXPORTER_OTLP_TIMEOUT', 'soon'],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'secret'],
  ['OTEL_RESOURCE_ATTRIBUTES', 'a=%zz'],
  ['OTEL_EXPORTER_OTLP_CERTIFICATE', '/no/such/file'],
])('%s=%s is told, and counts as absent', (name, value) => {
  const { settings, warnings } = readTraceSettings({ ...ENDPOINT, [name]: value });
  expect(settings).toEqual(readTraceSettings(ENDPOINT).settings);
  expect(warnings).toEqual([expect.stringMatching(new RegExp(`^${name} `))]);
  expect(warnings[0]).not.toContain('secret');
});
