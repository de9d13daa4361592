import { jsonSize } from './text.ts';

/** Things of a list that fit into a budget, as lines and as facts: neither has more bytes. */
export interface Listed<T> {
  items: T[];
  text: string;
  /** So many more there were. */
  omitted: number;
}

export function listed<T>(all: readonly T[], line: (thing: T) => string, room: number): Listed<T> {
  const items: T[] = [];
  const lines: string[] = [];
  let left = room;
  for (const thing of all) {
    const words = `${line(thing)}\n`;
    left -= Math.max(Buffer.byteLength(JSON.stringify(thing)) + 1, jsonSize(words));
    if (left < 0) break;
    items.push(thing);
    lines.push(words);
  }
  return { items, text: lines.join(''), omitted: all.length - items.length };
}
