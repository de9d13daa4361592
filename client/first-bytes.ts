import type { Exchange } from './exchange.ts';

/** The beginning of an answer, also where the server has no range of it and begins to send all. */
export async function firstBytes(
  exchange: Exchange,
  length: number,
  idleSeconds: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let came = 0;
  for await (const part of exchange.bytes(idleSeconds)) {
    const wanted = part.subarray(0, length - came);
    bytes.set(wanted, came);
    came += wanted.length;
    if (came === length) break;
  }
  return bytes.subarray(0, came);
}
