import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import type { BuiltApp } from './build-app.ts';
import { eventsOf, outputOf } from './run-events.ts';

/** The invariants of every finished run: seq without holes, `finished` once and last, no byte lost in silence. */
export async function expectSound(app: BuiltApp, record: RunRecord): Promise<void> {
  const events = await eventsOf(app, record);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
  expect(events.filter(({ type }) => type === 'finished')).toHaveLength(1);
  expect(events.at(-1)).toMatchObject({ type: 'finished', result: record.result, outcome: record.outcome });
  expect(record.outcome?.last_seq).toBe(events.length);
  for (const stream of ['stdout', 'stderr'] as const) {
    const facts = record.outcome?.[stream];
    if (!facts) continue;
    const bytes = outputOf(events, stream);
    const gaps = events.flatMap((event) =>
      event.type === 'gap' && event.stream === stream ? [event.length] : [],
    );
    expect(bytes.length + gaps.reduce((sum, length) => sum + length, 0)).toBe(facts.bytes);
    expect(bytes.length).toBe(facts.kept);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(facts.sha256);
    const capture = await app.app.inject(record.links[stream]);
    expect(capture.rawPayload.equals(bytes)).toBe(true);
  }
}
