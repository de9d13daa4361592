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
    for (let at = start; at < end; at += 4, to += 5) {
      let value = 0;
      for (let byte = at; byte < at + 4; byte++) value = value * 256 + (byte < end ? (bytes[byte] ?? 0) : 0);
      for (let digit = 4; digit >= 0; digit--, value = Math.floor(value / 85))
        lines[to + digit] = DIGITS[value % 85] ?? 0;
    }
    lines[to++] = NEWLINE;
  }
  return lines.subarray(0, to);
}
