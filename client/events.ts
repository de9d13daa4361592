import type { Connection } from './connection.ts';
import { ConnectionError, ProtocolError } from './errors.ts';
import { eventsIn } from './event-lines.ts';
import type { Answer } from './fetch.ts';
import type { RuntimeEvent } from './openapi.ts';
import { Patience } from './patience.ts';

export interface EventsOptions {
  /** seq of the last event that is known already: it may come from another process. Default 0: from the first. */
  after?: number | undefined;
  /** false: what is there now. Default: until the run has finished. */
  follow?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * The events of a run, each once and in order, however often the connection breaks and the server restarts. Ends after `finished`.
 * Throws where the server refuses, or is away for `resumeSeconds`.
 */
export async function* readEvents(
  connection: Connection,
  path: string,
  { after = 0, follow = true, signal }: EventsOptions = {},
): AsyncGenerator<RuntimeEvent, void, void> {
  const { idleSeconds, resumeSeconds } = connection.settings;
  const patience = new Patience(resumeSeconds, signal);
  for (let last = after; ; ) {
    try {
      const exchange = await connection.open({
        path: `${path}/events`,
        query: { after: last, ...(!follow && { follow }) },
        headers: { accept: 'text/event-stream' },
        signal,
      });
      if (exchange.response.status === 204) return exchange.close(); // nothing comes after the last
      expectEvents(exchange.response);
      for await (const events of eventsIn(exchange.bytes(idleSeconds))) {
        patience.renew();
        for (const event of events) {
          if (event.seq !== last + 1) throw outOfOrder(event.seq, last);
          last = event.seq;
          yield event;
          if (event.type === 'finished') return;
          signal?.throwIfAborted();
        }
      }
      if (!follow) return;
      // The server stops, and says so by an end in order.
      throw new ConnectionError('the events ended before the run', { code: 'connection_lost' });
    } catch (error) {
      signal?.throwIfAborted();
      await patience.after(error);
    }
  }
}

function expectEvents({ headers, status }: Answer): void {
  const type = headers.get('content-type') ?? 'nothing';
  if (type.startsWith('text/event-stream')) return;
  throw new ProtocolError(`the answer is ${type}, and no events`, { code: 'unexpected_answer', status });
}

const outOfOrder = (seq: number, last: number): ProtocolError =>
  new ProtocolError(`event ${seq} came after ${last}`, { code: 'unexpected_answer' });
