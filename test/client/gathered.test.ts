import { expect, test } from 'vitest';
import { gathered } from '../../client/gathered.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (part: Uint8Array | undefined) => new TextDecoder().decode(part);
const turn = () => new Promise((resolve) => setTimeout(resolve, 10));

test('what comes while nothing is taken is one part, so much of it at most, and nothing is waited for', async () => {
  let read = 0;
  async function* source() {
    for (const one of 'abcdefgh') {
      read++;
      yield bytes(one);
    }
    await turn();
    yield bytes('z');
  }
  const parts = gathered(source(), 3);
  let all = text((await parts.next()).value ?? undefined);
  expect(all).toMatch(/^a/);
  await turn();
  expect(read).toBeLessThan(8); // it reads no further ahead
  const lengths: number[] = [];
  for await (const part of parts) {
    all += text(part);
    lengths.push(part.length);
    await turn();
  }
  expect(all).toBe('abcdefghz');
  expect(Math.max(...lengths)).toBe(3);
});

test('what came before it failed is told first', async () => {
  async function* source() {
    yield bytes('a');
    yield bytes('b');
    throw new Error('broken');
  }
  let all = '';
  const reading = (async () => {
    for await (const part of gathered(source())) {
      all += text(part);
      await turn();
    }
  })();
  await expect(reading).rejects.toThrow('broken');
  expect(all).toBe('ab');
});

test('who takes no more does not wait for what never comes, and the source learns it', async () => {
  let over = false;
  const source: AsyncIterator<Uint8Array> = {
    next: (() => {
      let first = true;
      return () => {
        if (!first) return new Promise<never>(() => {});
        first = false;
        return Promise.resolve({ done: false, value: bytes('a') });
      };
    })(),
    return: () => {
      over = true;
      return new Promise<never>(() => {});
    },
  };
  for await (const part of gathered(source)) {
    expect(text(part)).toBe('a');
    break;
  }
  expect(over).toBe(true);
});
