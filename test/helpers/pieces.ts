/**
 * Bytes in pieces of so many, whose memory is used for something else when the next is asked for: who keeps one without a copy
 * sees it.
 */
export async function* pieces(bytes: Buffer, length: number): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < bytes.length; at += length) {
    const piece = Buffer.from(bytes.subarray(at, at + length));
    yield piece;
    piece.fill('#');
  }
}
