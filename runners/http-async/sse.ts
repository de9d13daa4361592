import { StringDecoder } from 'node:string_decoder';
import { createParser, type EventSourceParser, type ParseError } from 'eventsource-parser';

export interface ServerSentEvent {
  type: string;
  data: string;
  id: string | undefined;
}

/** An event may have so many characters. */
const MAX_EVENT = 16 * 1024 * 1024;

/** It would be as long the next time. */
export class EventTooLong extends Error {}

/** Reads server-sent events from chunks cut anywhere. Throws when one is too long. */
export class SseReader {
  readonly #decoder = new StringDecoder('utf8');
  readonly #parser: EventSourceParser;
  /** The id of the last event that was whole and had one, for Last-Event-ID. */
  lastId: string | undefined;
  /** What the server asked to be waited before a reconnect, ms. */
  retryMs: number | undefined;

  constructor(take: (event: ServerSentEvent) => void) {
    this.#parser = createParser({
      maxBufferSize: MAX_EVENT,
      onId: (id) => {
        this.lastId = id;
      },
      // An id stays that of the events after it, until there is another.
      onEvent: ({ event = 'message', data }) => take({ type: event, data, id: this.lastId }),
      onRetry: (ms) => {
        this.retryMs = ms;
      },
      onError: refuseTooLong,
    });
  }

  push(chunk: Buffer): void {
    this.#parser.feed(this.#decoder.write(chunk));
  }
}

/** All else that is no field of an event is passed over. */
function refuseTooLong({ type }: ParseError): void {
  if (type === 'max-buffer-size-exceeded') throw new EventTooLong('an event of the stream is too long');
}
