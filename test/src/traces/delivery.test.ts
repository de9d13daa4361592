import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { beforeEach, expect, test } from 'vitest';
import { Delivery } from '../../../src/traces/delivery.ts';

type Answer = (result: { code: number; error?: Error }) => void;

let said: string[];
let counts: Record<string, number>;
let answers: Answer[];

function delivery(most: number): Delivery {
  const exporter = {
    export: (_spans: ReadableSpan[], done: Answer) => void answers.push(done),
    shutdown: async () => {},
  };
  const log = {
    info: (facts: object, words: string) => void said.push(`${words} ${JSON.stringify(facts)}`),
    warn: (facts: object, words: string) => void said.push(`${words.slice(0, 14)} ${JSON.stringify(facts)}`),
  };
  const onEnded = (how: string, count: number) => {
    counts[how] = (counts[how] ?? 0) + count;
  };
  return new Delivery(exporter, { most, log, onEnded });
}

const spans = (count: number): ReadableSpan[] => Array.from({ length: count }, () => ({}) as ReadableSpan);
const nobody = (): void => {};

beforeEach(() => {
  said = [];
  counts = {};
  answers = [];
});

test('no more wait than may, with what is under way; a run has room for all of its spans or for none', () => {
  const way = delivery(10);
  expect([way.admit(4), way.admit(4), way.admit(4)]).toEqual([true, true, false]);
  way.export(spans(4), nobody);
  expect(way.admit(4)).toBe(false);
  answers[0]?.({ code: 0 });
  expect(way.admit(4)).toBe(true);
  expect(counts).toEqual({ dropped: 8, sent: 4 });
});

test('that some are lost is said once, and that some arrive again', () => {
  const way = delivery(10);
  for (const code of [1, 1, 0, 0, 1]) {
    way.admit(2);
    way.export(spans(2), nobody);
    answers.pop()?.({ code, ...(code === 1 && { error: new Error('no') }) });
  }
  expect(counts).toEqual({ refused: 6, sent: 4 });
  expect(said).toEqual([
    'spans are lost {"reason":"no"}',
    'traces arrive again {"lost":4}',
    'spans are lost {"reason":"no"}',
  ]);
});

test('what has not arrived when nobody waits any longer is lost', () => {
  const way = delivery(10);
  way.admit(5);
  way.giveUp();
  way.giveUp();
  expect(counts).toEqual({ refused: 5 });
});
