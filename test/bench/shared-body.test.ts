import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { SharedBody } from '../../bench/shared-body.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const frame = (event: { seq: number; type: string }) =>
  `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
const finished = (seq: number, output: string) =>
  frame({ seq, type: 'finished', ...{ outcome: { stdout: { sha256: sha256(output) } } } });
const output = (seq: number, text: string) => frame({ seq, type: 'stdout', ...{ text } });

function bodyOf(...parts: string[]): SharedBody {
  const body = new SharedBody(16);
  let position = 0;
  for (const part of parts) {
    body.take(position, Buffer.from(part));
    position += Buffer.byteLength(part);
  }
  return body;
}

test('Readers may be at different places, and must get the same bytes', () => {
  const body = new SharedBody(4);
  expect(body.take(0, Buffer.from('abc'))).toBe(true);
  expect(body.take(0, Buffer.from('abcdef'))).toBe(true);
  expect(body.take(3, Buffer.from('de'))).toBe(true);
  expect(body.take(3, Buffer.from('dx'))).toBe(false);
  expect(body.length).toBe(6);
});

test('Marks are found once, also when they come in pieces', () => {
  const body = bodyOf('xx@12', '34 yy@5', '6 ', 'z'.repeat(100), '@789 ');
  expect(body.marks).toEqual([
    { at: 8, time: 1234 },
    { at: 14, time: 56 },
    { at: 119, time: 789 },
  ]);
});

test('The events are decoded and the output is compared with its hash', () => {
  const whole = [': \n\n', output(1, 'é\n'), output(2, 'b'), finished(3, 'é\nb')];
  expect(bodyOf(...whole).verify()).toBe(4);
  expect(() => bodyOf(output(1, 'a'), finished(2, 'b')).verify()).toThrow('not what the result tells');
  expect(() => bodyOf(output(1, 'a'), finished(3, 'a')).verify()).toThrow('event 2 is missing');
  expect(() => bodyOf(output(1, 'a')).verify()).toThrow('not what the result tells');
  expect(() => bodyOf(finished(1, ''), output(2, 'a')).verify()).toThrow('after finished');
});
