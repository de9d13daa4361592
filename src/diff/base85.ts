const DIGITS = Buffer.from(
  '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~',
);
/** Bytes on a line. */
const LINE_BYTES = 52;
const [UPPER, LOWER, NEWLINE] = [0x41, 0x61, 0x0a];

/** Bytes as in a binary patch of git: a line says by its first letter how many it has. */
export async function* base85Lines(blocks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const block of blocks) {
    const bytes = rest.length === 0 ? block : Buffer.concat([rest, block]);
    const end = bytes.length - (bytes.length % LINE_BYTES);
    if (end > 0) yield encoded(bytes.subarray(0, end));
    rest = bytes.subarray(end);
  }
  if (rest.length > 0) yield encoded(rest);
}

function encoded(bytes: Buffer): Buffer {
  const lines = Buffer.allocUnsafe(Math.ceil(bytes.length / LINE_BYTES) * (2 + (LINE_BYTES / 4) * 5));
  let to = 0;
  for (let start = 0; start < bytes.length; start += LINE_BYTES) {
    const end = Math.min(start + LINE_BYTES, bytes.length);
    const count = end - start;
    lines[to++] = count <= 26 ? UPPER + count - 1 : LOWER + count - 27;
    for (let at = start; at < end; at += 4) to = putDigits(wordAt(bytes, at), lines, to);
    lines[to++] = NEWLINE;
  }
  return lines.subarray(0, to);
}

/** Four bytes, zeros where there are none any more. */
function wordAt(bytes: Buffer, at: number): number {
  const [first, second, third, fourth] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
  return (((first ?? 0) << 24) | ((second ?? 0) << 16) | ((third ?? 0) << 8) | (fourth ?? 0)) >>> 0;
}

/** Five digits, the last four of which are small numbers to V8. */
function putDigits(word: number, lines: Buffer, to: number): number {
  const first = Math.floor(word / 85 ** 4);
  let rest = (word - first * 85 ** 4) | 0;
  lines[to] = DIGITS[first] ?? 0;
  for (let digit = 4; digit > 0; digit--) {
    const higher = (rest / 85) | 0;
    lines[to + digit] = DIGITS[rest - higher * 85] ?? 0;
    rest = higher;
  }
  return to + 5;
}
