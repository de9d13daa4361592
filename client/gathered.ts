/**
 * Bytes in as few parts as who takes them leaves time for: what comes meanwhile is one part, of `most` bytes or a little more. Nothing
 * waits for more to come.
 */
export async function* gathered(
  source: AsyncIterator<Uint8Array>,
  most = 1 << 18,
): AsyncGenerator<Uint8Array, void, void> {
  let parts: Uint8Array[] = [];
  let size = 0;
  let ended = false;
  let failure: { error: unknown } | null = null;
  let wake = (): void => {};
  let room = (): void => {};
  const read = async (): Promise<void> => {
    for (;;) {
      const { done, value } = await source.next();
      if (done || ended) return;
      parts.push(value);
      size += value.length;
      wake();
      if (size >= most) await new Promise<void>((resolve) => (room = resolve));
    }
  };
  read()
    .catch((error) => {
      failure = { error };
    })
    .finally(() => {
      ended = true;
      wake();
    });
  try {
    for (;;) {
      if (parts.length === 0 && !ended) await new Promise<void>((resolve) => (wake = resolve));
      if (parts.length > 0) {
        const all = parts;
        parts = [];
        size = 0;
        room();
        yield joined(all);
      } else if (ended) break;
    }
    if (failure) throw (failure as { error: unknown }).error;
  } finally {
    ended = true;
    room();
    source.return?.()?.catch(() => {}); // it may wait for ever for what comes next
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (first && parts.length === 1) return first;
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
