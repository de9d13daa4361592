/** What is asked of a `fetch`, and of its answers. The global one is one; another may be given, which need do no more. */
export type Fetch = (address: string, asking: Asking) => Promise<Answer>;

export interface Asking {
  method: string;
  /** By names in lower case. */
  headers: { [name: string]: string };
  body?: NonNullable<RequestInit['body']>;
  /** The body is a stream. */
  duplex?: 'half';
  /** None is followed. `error`: nor told, so that nothing of the body has to be kept. */
  redirect: 'manual' | 'error';
  /** Ends the call and the reading of the answer, which then fail with its reason. */
  signal: AbortSignal;
}

export interface Answer {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  /** Read no faster than it is taken; given up where the reading ends before it does. */
  readonly body: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | null;
}
