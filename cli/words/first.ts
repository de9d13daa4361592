/** The first so many, and no more is asked for. */
export async function* first<T>(things: AsyncIterable<T>, most: number): AsyncGenerator<T> {
  if (most <= 0) return;
  let left = most;
  for await (const thing of things) {
    yield thing;
    if (--left === 0) return;
  }
}
