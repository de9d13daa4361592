import { SourceError } from './errors.ts';

/** Bytes to send. What is iterated or streamed can be sent once only. */
export type Payload =
  | string
  | Uint8Array
  | ArrayBuffer
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>;

/** A body as fetch takes it, made anew for every attempt. */
export interface Sending {
  body: NonNullable<RequestInit['body']>;
  /** Can it be sent again. */
  repeatable: boolean;
  /** Why the source of the bytes failed, if it did. */
  failure(): unknown;
}

export function sendingOf(payload: Payload): Sending {
  if (isStream(payload)) return streaming(payload);
  return { body: payload as Sending['body'], repeatable: true, failure: () => undefined };
}

export const isStream = (
  payload: Payload,
): payload is ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> =>
  typeof payload === 'object' && (isReadable(payload) || Symbol.asyncIterator in payload);

/** Told by what it has: a name of the platform that is only mentioned makes Node load what is behind it. */
const isReadable = (source: object): source is ReadableStream<Uint8Array> => 'getReader' in source;

/** fetch says that it failed, and not why: what the source threw is kept. */
function streaming(source: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>): Sending {
  let failure: unknown;
  const parts = partsOf(source);
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await parts.next();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        failure = unreadable(error);
        controller.error(error);
      }
    },
    async cancel() {
      await parts.return?.();
    },
  });
  return { body: body as Sending['body'], repeatable: false, failure: () => failure };
}

/** Not every browser iterates its streams. */
export async function* partsOf(
  source: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  if (!isReadable(source)) return yield* source;
  const reader = source.getReader();
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        ended = true;
        return;
      }
      yield value;
    }
  } finally {
    if (!ended) reader.cancel().catch(() => {}); // it failed, and has said so
    reader.releaseLock();
  }
}

export const unreadable = (cause: unknown): SourceError =>
  new SourceError('what was to be sent could not be read', { code: 'unreadable_source', cause });
