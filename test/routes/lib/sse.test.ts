import { describe, expect, test, vi } from 'vitest';
import { frames, HEARTBEAT_MS } from '../../../routes/lib/sse.ts';
import type { EventLog, ReadOptions } from '../../../src/event-log.ts';
import { LoggedEvent } from '../../../src/logged-event.ts';

const event = new LoggedEvent('a', { seq: 1, time: 0, type: 'status', status: 'pending' });

/** A log that yields these batches and remembers how it was asked. */
function logOf(batches: (readonly LoggedEvent[])[]): { log: EventLog; asked: ReadOptions[] } {
  const asked: ReadOptions[] = [];
  async function* read(options: ReadOptions) {
    asked.push(options);
    yield* batches;
  }
  return { log: { read } as unknown as EventLog, asked };
}

async function textOf(log: EventLog, framing: 'sse' | 'ndjson'): Promise<string> {
  const buffers: Buffer[] = [];
  for await (const buffer of frames(log, framing, { after: 0, follow: true })) buffers.push(buffer);
  return Buffer.concat(buffers).toString();
}

describe('heartbeats', () => {
  test('a comment goes out when nothing came for 15 seconds', async () => {
    const { log, asked } = logOf([[], [event], []]);
    const text = await textOf(log, 'sse');
    expect(text.startsWith(': \n\nid: 1\n')).toBe(true);
    expect(text.endsWith('\n\n: \n\n')).toBe(true);
    expect(asked).toEqual([{ after: 0, follow: true, idleMs: HEARTBEAT_MS }]);
    expect(HEARTBEAT_MS).toBe(15_000);
  });

  test('lines of JSON have none', async () => {
    const { log, asked } = logOf([[event]]);
    expect((await textOf(log, 'ndjson')).split('\n')).toHaveLength(2);
    expect(asked).toEqual([{ after: 0, follow: true }]);
  });
});

test('an event is encoded once for all its readers', async () => {
  const fresh = new LoggedEvent('a', { seq: 2, time: 0, type: 'progress', message: 'x' });
  const json = vi.spyOn(fresh, 'json');
  const { log } = logOf([[fresh], [event, fresh]]);
  await textOf(log, 'sse');
  await textOf(log, 'sse');
  expect(json).toHaveBeenCalledTimes(1);
});
