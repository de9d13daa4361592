import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Collector, startCollector } from '../../helpers/otlp-collector.ts';
import { own } from '../../helpers/own-id.ts';
import { RecoveringServer } from '../recovering.ts';

let collector: Collector;
let server: RecoveringServer;

beforeEach(async () => {
  collector = await startCollector();
  server = new RecoveringServer({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '50',
    RUNWIRE_MAX_CONCURRENT: '2',
  });
  await server.start();
});
afterEach(async () => {
  await server.end();
  await collector[Symbol.asyncDispose]();
});

const ns = (time: string | null | undefined): bigint => BigInt(Date.parse(String(time))) * 1_000_000n;
const shell = (id: string, script: string) => ({
  invocation_id: own(id),
  runtime_kind: 'subprocess',
  command: ['sh', '-c', script],
});

test('a run has one span, with the ids that its program was told, whichever server began it', async () => {
  const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  const traced = { ...shell('traced', 'echo $TRACEPARENT; sleep 2'), environment: { TRACEPARENT: trace } };
  await server.submit(traced);
  await server.submit(shell('alone', 'echo $TRACEPARENT; sleep 1'));
  await server.submit(shell('waits', 'echo $TRACEPARENT'));
  await server.wrote(own('traced'), '-01');
  await server.wrote(own('alone'), '-01');
  await server.restart();
  for (const name of ['traced', 'alone', 'waits']) {
    const record = await server.ended(own(name));
    const { root, below } = await collector.of(own(name));
    expect(await server.text(`/invocations/${own(name)}/stdout`)).toBe(
      `00-${root.traceId}-${root.spanId}-01\n`,
    );
    expect([root.traceId, root.parentSpanId]).toEqual(
      name === 'traced' ? ['a'.repeat(32), 'b'.repeat(16)] : [expect.not.stringMatching('aaaa'), ''],
    );
    expect([root.from, root.to]).toEqual([ns(record.created_at), ns(record.finished_at)]);
    expect([below.queue?.from, below.queue?.to]).toEqual([root.from, ns(record.started_at)]);
    expect(below.run && below.run.from >= ns(record.started_at) && below.run.to <= root.to).toBe(true);
  }
  await server.restart();
  await server.submit(shell('later', 'true'));
  await collector.of(own('later'));
  const told = collector.spans.filter(({ name }) => name === 'run subprocess');
  expect(told.map(({ attributes }) => attributes['runwire.invocation.id']).sort()).toEqual(
    ['traced', 'alone', 'waits', 'later'].map(own).sort(),
  );
});

test('a program that ended while no server lived ended then, and not when that was seen', async () => {
  await server.submit(shell('gone', 'echo up; sleep 0.3'));
  await server.wrote(own('gone'), 'up');
  await server.crash();
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const before = BigInt(Date.now()) * 1_000_000n;
  await server.start();
  const record = await server.ended(own('gone'));
  const { root, below } = await collector.of(own('gone'));
  expect(root.to).toBe(ns(record.finished_at));
  expect(root.to > before).toBe(true);
  expect(below.run && below.run.to < before).toBe(true);
  expect(Number((below.run?.to ?? 0n) - (below.run?.from ?? 0n)) / 1e6).toBeCloseTo(
    record.outcome?.timings.run_ms ?? 0,
    1,
  );
});
