import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ServerSentEvent, SseReader } from '../../../runners/http-async/sse.ts';

function read(chunks: Buffer[]): ServerSentEvent[] {
  const taken: ServerSentEvent[] = [];
  const reader = new SseReader((event) => taken.push(event));
  for (const chunk of chunks) reader.push(chunk);
  return taken;
}

test('fields, comments, several data lines and all three line ends are understood', () => {
  const text =
    '\ufeff: hello\r\nid: 7\r\nevent: tick\r\ndata: a\r\ndata:b\r\n\r\ndata: c\r\rdata\n\nevent: empty\n\nid: a\0b\ndata:  ü\n\n';
  expect(read([Buffer.from(text)])).toEqual([
    { type: 'tick', data: 'a\nb', id: '7' },
    { type: 'message', data: 'c', id: '7' },
    { type: 'message', data: '', id: '7' },
    { type: 'message', data: ' ü', id: '7' },
  ]);
});

test('the events are the same wherever the bytes are cut', () => {
  const line = fc.constantFrom(
    'data: é€😀',
    'data:x',
    'event: e',
    'id: 1',
    ': c',
    'retry: 5',
    'id: 2',
    'id: a\0b',
    'id',
    'event',
    'retry: x',
    '\ufeffdata: late',
    'other: x',
    '',
    '',
    'data',
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r'))),
      fc.array(fc.nat(1000)),
      (lines, cuts) => {
        const bytes = Buffer.from(lines.map(([text, end]) => text + end).join(''));
        const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
        const chunks = [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length));
        expect(read(chunks)).toEqual(read([bytes]));
      },
    ),
  );
});

test('retry is taken of digits alone', () => {
  const reader = new SseReader(() => {});
  reader.push(Buffer.from('retry: 5x\nretry: -1\nretry\n'));
  expect(reader.retryMs).toBeUndefined();
  reader.push(Buffer.from('retry: 2500\n'));
  expect(reader.retryMs).toBe(2500);
});

test('an id may be taken back, and one with NUL is none', () => {
  const taken = read([Buffer.from('id: 1\ndata: a\n\ndata: b\n\nid: 2\0\ndata: c\n\nid\ndata: d\n\n')]);
  expect(taken.map(({ id }) => id)).toEqual(['1', '1', '1', '']);
});

test.each([1000, 65_536])('an event of 15 MiB in pieces of %d bytes is one event', (size) => {
  const data = 'é'.repeat(7.5 * 2 ** 20);
  const bytes = Buffer.from(`data: ${data}\n\n`);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  const [event] = read(chunks);
  expect(event?.data === data).toBe(true);
});

test('what is no field is passed over, however long', () => {
  const line = Buffer.alloc(1024 * 1024, 'x');
  const chunks = [...Array.from({ length: 20 }, () => line), Buffer.from('\ndata: a\n\n')];
  expect(read(chunks)).toEqual([{ type: 'message', data: 'a', id: undefined }]);
});

test.each(['data: x\n', 'data\n'])('an event of too many lines %j is refused', (line) => {
  const reader = new SseReader(() => {});
  const chunk = Buffer.from(line.repeat(2 ** 20));
  expect(() => {
    for (let i = 0; i < 20; i++) reader.push(chunk);
  }).toThrow('too long');
});

test('an event without end is refused', () => {
  const reader = new SseReader(() => {});
  const chunk = Buffer.from(`data: ${'x'.repeat(1024 * 1024)}`);
  expect(() => {
    for (let i = 0; i < 20; i++) reader.push(i === 0 ? chunk : Buffer.alloc(1024 * 1024, 'x'));
  }).toThrow('too long');
});

test('an id counts once its event is whole: a stream that broke off before is asked for that event again', () => {
  const reader = new SseReader(() => {});
  reader.push(Buffer.from('id: 1\ndata: a\n\nid: 2\ndata: b\n'));
  expect(reader.lastId).toBe('1');
  reader.push(Buffer.from('\n'));
  expect(reader.lastId).toBe('2');
});
