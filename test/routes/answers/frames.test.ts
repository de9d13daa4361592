import { describe, expect, test, vi } from 'vitest';
import { frames, HEARTBEAT_MS } from '../../../routes/answers/frames.ts';
import type { EventLog, ReadOptions } from '../../../src/log/event-log.ts';
import { LoggedEvent } from '../../../src/log/logged-event.ts';

const event = new LoggedEvent('a', { seq: 1, time: 0, type: 'status', status: 'pending' });

/** A log with so many readers that yields these batches and remembers how it was asked. */
function logOf(batches: (readonly LoggedEvent[])[], readers = 1): { log: EventLog; asked: ReadOptions[] } {
  const asked: ReadOptions[] = [];
  async function* read(options: ReadOptions) {
    asked.push(options);
    yield* batches;
  }
  return { log: { read, readers } as unknown as EventLog, asked };
}

async function textOf(log: EventLog, framing: 'sse' | 'ndjson'): Promise<string> {
  const buffers: Buffer[] = [];
  for await (const buffer of frames(log, framing, { after: 0, follow: true }))
    buffers.push(Buffer.from(buffer));
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

test('events that are read together are encoded once for all their readers', async () => {
  const fresh = new LoggedEvent('a', { seq: 2, time: 0, type: 'progress', message: 'x' });
  const json = vi.spyOn(fresh, 'json');
  const { log } = logOf([[event, fresh]], 2);
  const first = await textOf(log, 'sse');
  expect(await textOf(log, 'sse')).toBe(first);
  expect(json).toHaveBeenCalledTimes(1);
  // From another place on, or in another form, they are other bytes.
  expect(first.endsWith(await textOf(logOf([[fresh]]).log, 'sse'))).toBe(true);
  expect(await textOf(log, 'ndjson')).not.toContain('id:');
});

test('output that could not be read is read again for the next reader', async () => {
  let asked = 0;
  const readInto = async (_name: string, _offset: number, bytes: Buffer): Promise<number> => {
    if (asked++ === 0) throw new Error('too many open files');
    return bytes.fill('x').length;
  };
  const entry = { seq: 1, time: 0, type: 'stdout' as const, phase: 'command' as const, offset: 0, length: 1 };
  const failing = new LoggedEvent('a', entry, { readInto });
  const { log } = logOf([[failing]]);
  await expect(textOf(log, 'sse')).rejects.toThrow('too many open files');
  expect(await textOf(log, 'sse')).toContain('"text":"x"');
});

test('output is cut into buffers at the same events, wherever a reader began', async () => {
  const readInto = async (_name: string, _offset: number, bytes: Buffer) => bytes.fill('x').length;
  const events = Array.from({ length: 100 }, (_, at) => {
    const entry = { seq: at + 1, time: 0, type: 'stdout' as const, phase: 'command' as const };
    return new LoggedEvent('a', { ...entry, offset: at * 5000, length: 5000 }, { readInto });
  });
  const cuts = async (from: number): Promise<number[]> => {
    const seqs: number[] = [];
    const passed = (seq: number): void => void seqs.push(seq);
    const reading = frames(logOf([events.slice(from)], 2).log, 'ndjson', { after: 0, follow: true }, passed);
    for await (const buffer of reading) expect(buffer.length).toBeGreaterThan(0);
    return seqs;
  };
  const all = await cuts(0);
  expect(all.length).toBeGreaterThan(5);
  for (const from of [1, 13, 14, 50]) expect(await cuts(from)).toEqual(all.filter((seq) => seq > from));
});

test('who reads alone gets the same bytes, in larger buffers while they are quickly encoded', async () => {
  const cutsOf = async (text: string, readers: number): Promise<{ sizes: number[]; all: string }> => {
    const readInto = async (_name: string, _offset: number, bytes: Buffer) => bytes.fill(text).length;
    const events = Array.from({ length: 80 }, (_, at) => {
      const entry = { seq: at + 1, time: 0, type: 'stdout' as const, phase: 'command' as const };
      return new LoggedEvent('a', { ...entry, offset: at * 10_000, length: 10_000 }, { readInto });
    });
    const buffers: Buffer[] = [];
    const { log } = logOf([events.slice(0, 40), events.slice(40)], readers);
    for await (const buffer of frames(log, 'sse', { after: 0, follow: true }))
      buffers.push(Buffer.from(buffer));
    return { sizes: buffers.map(({ length }) => length), all: Buffer.concat(buffers).toString() };
  };
  const [text, shared] = [await cutsOf('x', 1), await cutsOf('x', 2)];
  expect(text.all).toBe(shared.all);
  expect(text.sizes.length * 2).toBeLessThan(shared.sizes.length);
  const slow = await cutsOf('\u0000', 1);
  const last = slow.sizes.slice(-5);
  expect(Math.max(...last)).toBeLessThan(Math.max(...slow.sizes) / 3);
});
