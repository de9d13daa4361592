import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { failureOf } from '../../src/documents/failure.ts';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import { CHANNELS, isOfSetup, streamOf } from '../../src/documents/stream.ts';
import type { BuiltApp } from './build-app.ts';
import { eventsOf, outputOf } from './run-events.ts';

/** Who had it cancelled, and whether a retry is of use, are told when and only when there is something to tell. */
export function expectReasons({ status, outcome }: RunRecord): void {
  const { failure, cancelled_by: by, ended, retry_safe: safe } = outcome ?? {};
  if (status === 'succeeded') expect(failure).toBeNull();
  else expect(failure).toEqual(failure && failureOf(failure.reason));
  expect(failure === null, 'a failure is told of what did not succeed').toBe(status === 'succeeded');
  if (status !== 'succeeded' && status !== 'failed') expect(failure?.reason).toBe(status);
  if (status === 'cancelled')
    expect(by, 'by whom it was cancelled').toMatchObject({ by: expect.any(String) });
  else expect(by).toBeNull();
  // Its setup had begun, where it had one.
  if (failure?.permanent && status === 'failed')
    expect([ended, safe]).toEqual(['never_started', (outcome?.setup ?? []).length === 0]);
}

/** The invariants of every finished run: seq without holes, `finished` once and last, no byte lost in silence. */
export async function expectSound(app: BuiltApp, record: RunRecord): Promise<void> {
  expectReasons(record);
  const events = await eventsOf(app, record);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
  expect(events.filter(({ type }) => type === 'finished')).toHaveLength(1);
  expect(events.at(-1)).toMatchObject({ type: 'finished', result: record.result, outcome: record.outcome });
  expect(record.outcome?.last_seq).toBe(events.length);
  for (const channel of CHANNELS) {
    const stream = streamOf(channel);
    const phase = isOfSetup(channel) ? 'setup' : 'command';
    const facts = record.outcome?.[channel];
    if (!facts) continue;
    const bytes = outputOf(events, stream, phase);
    const gaps = events.flatMap((event) =>
      event.type === 'gap' && event.stream === stream && (event.phase ?? 'command') === phase
        ? [event.length]
        : [],
    );
    expect(bytes.length + gaps.reduce((sum, length) => sum + length, 0)).toBe(facts.bytes);
    expect(bytes.length).toBe(facts.kept);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(facts.sha256);
    const capture = await app.app.inject(
      phase === 'setup' ? `${record.links[stream]}?phase=setup` : record.links[stream],
    );
    expect(capture.rawPayload.equals(bytes)).toBe(true);
  }
}
