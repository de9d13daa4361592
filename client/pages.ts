import type { Connection } from './connection.ts';

interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface PageOptions {
  /** Things a page; the server has a default. */
  limit?: number | undefined;
  /** next_cursor of a page, to go on after it. */
  cursor?: string | undefined;
}

/** A list of the server, asked for page by page as it is read: `for await` gives its things, pages() the pages. */
export class Pages<T> implements AsyncIterable<T> {
  readonly #next: (cursor: string | undefined) => Promise<Page<T>>;
  readonly #cursor: string | undefined;

  private constructor(next: (cursor: string | undefined) => Promise<Page<T>>, cursor: string | undefined) {
    this.#next = next;
    this.#cursor = cursor;
  }

  static of<T>(
    connection: Connection,
    path: string,
    { signal, ...query }: PageOptions & { signal?: AbortSignal | undefined },
  ): Pages<T> {
    const next = (cursor: string | undefined): Promise<Page<T>> =>
      connection.json({ path, query: { ...query, cursor }, signal });
    return new Pages(next, query.cursor);
  }

  async *pages(): AsyncGenerator<Page<T>, void, void> {
    for (let cursor = this.#cursor; ; ) {
      const page = await this.#next(cursor);
      yield page;
      if (page.next_cursor === null) return;
      cursor = page.next_cursor;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    for await (const { items } of this.pages()) yield* items;
  }

  /** The same things as something else. */
  map<U>(change: (thing: T) => U): Pages<U> {
    return new Pages(async (cursor) => {
      const { items, next_cursor } = await this.#next(cursor);
      return { items: items.map(change), next_cursor };
    }, this.#cursor);
  }

  /** All of them, or the first `most`. */
  async toArray(most = Number.POSITIVE_INFINITY): Promise<T[]> {
    const things: T[] = [];
    for await (const thing of this) if (things.push(thing) >= most) break;
    return things;
  }
}
