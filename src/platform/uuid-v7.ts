import crypto from 'node:crypto';

/** A sortable id (RFC 9562, version 7). */
export const uuidV7: () => string = ownOr(crypto.randomUUIDv7);

/** Node's own, which Node 22 has not. */
function ownOr(native: (() => string) | undefined): () => string {
  return native === undefined ? madeHere() : () => native();
}

/** Within one millisecond ids count up in the twelve bits after the version: those of one process are in order. */
export function madeHere(now: () => number = Date.now): () => string {
  let last = 0;
  let count = 0;
  return () => {
    const time = now();
    if (time > last) [last, count] = [time, 0];
    else if (++count > 0xfff) [last, count] = [last + 1, 0];
    const head = last.toString(16).padStart(12, '0');
    const tail = crypto.randomUUID().slice(18);
    return `${head.slice(0, 8)}-${head.slice(8)}-7${count.toString(16).padStart(3, '0')}${tail}`;
  };
}
