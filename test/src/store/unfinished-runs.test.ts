import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TraceContext } from '../../../src/documents/trace-context.ts';
import { InvocationStore } from '../../../src/store/invocation-store.ts';
import { newRow } from '../../helpers/documents.ts';

let directory: string;
let store: InvocationStore;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'runwire-unfinished-'));
});
afterEach(() => {
  store.close();
  rmSync(directory, { recursive: true, force: true });
});

/** The store of the next server, under a boot of the machine. */
function start(boot: string, { written = true } = {}): void {
  store = new InvocationStore(join(directory, 'runwire.db'));
  const write = store.noteBoot(boot);
  if (written) write?.();
}

function insert(id: string, startedAt: number | null, trace: TraceContext = {}): void {
  const status = startedAt === null ? 'pending' : 'running';
  store.insert(newRow(id, { startedAt, status, ...trace }));
}

const rebooted = (): string[] => [...store.unfinished()].flatMap((run) => (run.rebooted ? [run.id] : []));

test('what was running when the boot changed is rebooted from then on, and nothing else is', () => {
  start('one');
  insert('ran', 1);
  insert('waited', null);
  expect(rebooted()).toEqual([]);
  store.close();
  start('one');
  expect(rebooted()).toEqual([]);
  store.close();
  start('two');
  expect(rebooted()).toEqual(['ran']);
  store.markRunning('waited', 2);
  insert('new', 3);
  store.close();
  start('two');
  expect(rebooted()).toEqual(['ran']);
  store.close();
  start('three');
  expect(rebooted()).toEqual(['ran', 'waited', 'new']);
});

test('a changed boot that cannot be written is known all the same', () => {
  start('one');
  insert('ran', 1);
  store.close();
  start('two', { written: false });
  expect(rebooted()).toEqual(['ran']);
});

test('the first boot that is known of interrupts nothing', () => {
  store = new InvocationStore(join(directory, 'runwire.db'));
  insert('ran', 1);
  store.close();
  start('one');
  expect(rebooted()).toEqual([]);
});

test('a removed run takes its mark along: its number may be given again', () => {
  start('one');
  insert('ran', 1);
  store.close();
  start('two');
  const facts = { result: '{}', outcome: '{}', outputBytes: 0 };
  store.finish('ran', { status: 'failed', finishedAt: 5, ...facts });
  store.remove('ran');
  store.close();
  start('two');
  insert('next', 6);
  expect(rebooted()).toEqual([]);
});

test('the trace context of a submission is there for the next server', () => {
  start('one');
  const whole = { traceparent: '00-a-b-01', tracestate: 'a=b', baggage: 'c=d' };
  const none = { traceparent: null, tracestate: null, baggage: null };
  insert('traced', null, whole);
  insert('part', null, { baggage: 'c=d' });
  insert('untraced', null);
  store.close();
  start('one');
  const found = [...store.unfinished()];
  expect(found).toMatchObject([whole, { ...none, baggage: 'c=d' }, none]);
});
