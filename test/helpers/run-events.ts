import type { RuntimeEvent } from '../../src/documents/event.ts';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import type { Phase, Stream } from '../../src/documents/stream.ts';
import type { BuiltApp } from './build-app.ts';

/** All events of a finished run, as a client reads them. */
export async function eventsOf(app: BuiltApp, { invocation }: RunRecord): Promise<RuntimeEvent[]> {
  const response = await app.app.inject({
    url: `/invocations/${encodeURIComponent(invocation.invocation_id)}/events?follow=false`,
    headers: { accept: 'application/x-ndjson' },
  });
  return parseEvents(response.body);
}

export function parseEvents(ndjson: string): RuntimeEvent[] {
  return ndjson
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RuntimeEvent);
}

/** The bytes that the events of one stream carry, joined; fails where their offsets do not join. */
export function outputOf(events: readonly RuntimeEvent[], stream: Stream, phase: Phase = 'command'): Buffer {
  const parts: Buffer[] = [];
  let end = 0;
  for (const event of events) {
    if (event.type !== stream || event.phase !== phase) continue;
    const bytes = Buffer.from(event.text ?? event.base64 ?? '', event.text === undefined ? 'base64' : 'utf8');
    if (event.offset !== end || event.length !== bytes.length)
      throw new Error(`event ${event.seq} says ${event.offset}+${event.length}, not ${end}+${bytes.length}`);
    end += bytes.length;
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}
