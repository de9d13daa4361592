import { expect, test } from 'vitest';
import { EventCount } from '../../bench/event-count.ts';

const line = (seq: number, type: string, length = 0) =>
  `${JSON.stringify({ invocation_id: 'x', seq, time: 'then', type, length })}\n`;

test('Lines of JSON are counted however they are cut', () => {
  const text = line(1, 'status') + line(2, 'stdout', 70) + line(3, 'stderr', 5) + line(4, 'finished');
  const count = new EventCount('ndjson');
  for (const character of text) count.push(Buffer.from(character));
  expect(count).toMatchObject({ events: 4, output: 70, finished: true, holes: false });
});

test('A line that is missing is seen', () => {
  const count = new EventCount('ndjson');
  count.push(Buffer.from(line(1, 'status') + line(3, 'finished')));
  expect(count.holes).toBe(true);
});
