import type { Channel } from '../../src/documents/stream.ts';

/** So many bytes from `at` on of what a channel has: its name and a character of four bytes, again and again. */
export function pieceOf(channel: Channel, at: number, length: number): Buffer {
  const text = Buffer.from(`${channel} 😀\n`);
  return Buffer.from(Array.from({ length }, (_, n) => text[(at + n) % text.length] ?? 0));
}
