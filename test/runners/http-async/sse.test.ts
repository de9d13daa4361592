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
    '',
    '',
    'data',
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r'))),
      fc.array(fc.nat(1000)),
      (lines, cuts) => {
        // A last line end of CR alone is told only when more comes.
        const bytes = Buffer.from(`${lines.map(([text, end]) => text + end).join('')}: end\n`);
        const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
        const chunks = [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length));
        expect(read(chunks)).toEqual(read([bytes]));
      },
    ),
  );
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
