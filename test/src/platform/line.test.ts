import { expect, test } from 'vitest';
import { Line } from '../../../src/platform/line.ts';

/** What a line is, told the slow way. */
class PlainLine {
  items: { id: string }[] = [];
  add(item: { id: string }) {
    if (!this.items.includes(item)) this.items.push(item);
  }
  putFirst(item: { id: string }) {
    this.items = [item, ...this.items.filter((other) => other !== item)];
  }
  delete(item: { id: string }) {
    const was = this.items.includes(item);
    this.items = this.items.filter((other) => other !== item);
    return was;
  }
}

/** The same numbers every time. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'whatever comes and goes, order and places are those of a list (%i)',
  (seed) => {
    const pick = numbers(seed);
    const items = Array.from({ length: 40 }, (_, n) => ({ id: `i${n}` }));
    const line = new Line<{ id: string }>();
    const plain = new PlainLine();
    for (let step = 0; step < 600; step++) {
      const item = items[pick(items.length)] as { id: string };
      const what = pick(20);
      if (what === 0) {
        line.putFirst(item);
        plain.putFirst(item);
      } else if (what < 11) {
        line.add(item);
        plain.add(item);
      } else {
        const going = what < 15 ? (plain.items[0] ?? item) : item;
        expect(line.delete(going)).toBe(plain.delete(going));
      }
      expect([...line]).toEqual(plain.items);
      expect(items.map((each) => line.placeOf(each))).toEqual(
        items.map((each) => plain.items.indexOf(each) + 1 || null),
      );
      expect(line.size).toBe(plain.items.length);
    }
  },
);

test('another with the same id takes the place, and the one before it is not in the line', () => {
  const line = new Line<{ id: string }>();
  const [before, after, other] = [{ id: 'a' }, { id: 'a' }, { id: 'b' }];
  line.add(before);
  line.add(other);
  line.add(after);
  expect([line.has(before), line.has(after), line.delete(before)]).toEqual([false, true, false]);
  expect([line.placeOf(before), line.placeOf(after), line.placeOf(other)]).toEqual([null, 1, 2]);
});

test('how long the first has waited is told, and nothing of nobody', () => {
  const line = new Line<{ id: string }>();
  expect(line.longestMs).toBe(0);
  line.add({ id: 'a' });
  const first = line.longestMs;
  line.putFirst({ id: 'b' });
  expect(first).toBeGreaterThanOrEqual(0);
  expect(line.longestMs).toBeLessThan(1000);
});
