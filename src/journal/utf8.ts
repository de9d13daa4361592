/**
 * How many bytes at the end of `bytes` begin a UTF-8 character that is not complete yet (0 to 3).
 * Holding them back until the next chunk keeps a character from being split over two events.
 */
export function incompleteTail(bytes: Uint8Array): number {
  const end = bytes.length;
  for (let back = 1; back <= 3 && back <= end; back++) {
    const byte = bytes[end - back] as number;
    if ((byte & 0xc0) === 0x80) continue; // a continuation byte: look further back
    const need =
      byte >= 0xf0 && byte <= 0xf4
        ? 4
        : byte >= 0xe0 && byte < 0xf0
          ? 3
          : byte >= 0xc2 && byte < 0xe0
            ? 2
            : 1;
    return need > back ? back : 0;
  }
  return 0;
}
