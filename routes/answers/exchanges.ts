import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { ChurnMap } from '../../src/platform/churn-map.ts';
import { LONGEST_MS } from '../../src/platform/timer.ts';
import { onConnectionEnd } from './connection-end.ts';
import { onHalfClosed, tryClient, writeInterim } from './half-closed.ts';
import type { ErrorLog } from './problem.ts';
import { pump } from './pump.ts';

/** How long a response may take to be read to its end once the server closes. */
const CLOSE_PATIENCE_MS = 1000;

export interface StreamedResponse {
  status: number;
  headers: Record<string, string>;
  /** Bytes that will come. Absent: unknown, the response is sent in chunks. */
  length?: number;
  /** Will the body end soon by itself: then a closing server lets it. Default: when its length is known. */
  ends?(): boolean;
  /** Bytes that mean nothing between two buffers of the body. */
  filler?: Buffer;
  /** Its last part says that it is the last: one that is cut short may end in order. Default: its connection is broken then. */
  tellsItsEnd?: boolean;
  /**
   * Not called for HEAD. `signal` aborts when the client leaves or the server closes. Called again to go on after the
   * `written` bytes of those before, when the client takes more after a while in which it took nothing.
   */
  body(signal: AbortSignal, written: number): AsyncIterable<Buffer>;
  /** The body cannot be gone on with: it waits, open, for a client that takes nothing for a while. */
  once?: boolean;
  /** Fields after the body, where the client has a place for them: `read` when it was sent whole, `names` before it. */
  trailers?: { names: readonly string[]; read(): Record<string, string> };
}

export interface Watch {
  /** Will it end soon by itself. Default: no. */
  ends?: () => boolean;
  /** What a client that closes its side is taken for; default: one that waits, until it turns out to have gone. */
  halfClosed?: (controller: AbortController) => void;
}

interface Open {
  controller: AbortController;
  response: ServerResponse;
  ends: () => boolean;
}

/**
 * Requests whose answer takes time: streams and waits. Each has a signal that aborts when the
 * client leaves or the server closes, so that none outlives the other side.
 */
export class Exchanges {
  readonly #open = new ChurnMap<number, Open>();
  #count = 0;
  readonly #log: ErrorLog | undefined;
  #closing = false;
  #streams = 0;

  constructor(log?: ErrorLog) {
    this.#log = log;
  }

  /** Streams being sent now. */
  get streams(): number {
    return this.#streams;
  }

  watch(response: ServerResponse, { ends = () => false, halfClosed }: Watch = {}): AbortSignal {
    const controller = new AbortController();
    if (this.#closing || response.destroyed) {
      controller.abort();
      return controller.signal;
    }
    const n = ++this.#count;
    this.#open.set(n, { controller, response, ends });
    const forget = onHalfClosed(response, () => {
      if (halfClosed) halfClosed(controller);
      else tryClient(response, () => writeInterim(response));
    });
    const { socket } = response.req;
    let unheard = (): void => {};
    const over = (): void => {
      forget();
      unheard();
      this.#open.delete(n);
      if (!response.writableFinished) controller.abort();
    };
    response.once('close', over);
    // An answer that waits for one before it on its connection is not told when that is gone.
    if (response.socket === null) unheard = onConnectionEnd(socket, over);
    return controller.signal;
  }

  /** The same where what is given must reach somebody: a client that closes its side is answered at once, with nothing. */
  watchTaker(response: ServerResponse): AbortSignal {
    return this.watch(response, { halfClosed: (controller) => controller.abort() });
  }

  /** Ends what is open, as far as it does not end by itself. New exchanges end at once. */
  close(): void {
    this.#closing = true;
    for (const { controller, response, ends } of this.#open.values()) {
      const { socket } = response;
      // Else the connection would stay open for a next request, and the server with it.
      response.once('finish', () => socket?.destroySoon());
      setTimeout(() => breakOff(response), CLOSE_PATIENCE_MS).unref();
      if (!ends()) controller.abort();
    }
  }

  /** Sends a body as it comes, headers first. Resolves when it is sent or nobody wants it any more; never rejects. */
  async send(reply: FastifyReply, streamed: StreamedResponse): Promise<void> {
    const response = reply.raw;
    // Those set on the way here are in the reply: the security headers, Location.
    const headers = { ...reply.getHeaders(), ...streamed.headers } as OutgoingHttpHeaders;
    if (streamed.length !== undefined) headers['content-length'] = String(streamed.length);
    const untilClose = streamed.length === undefined && response.req.httpVersion === '1.0';
    const trailers = untilClose || reply.request.method === 'HEAD' ? undefined : streamed.trailers;
    if (trailers) headers.trailer = trailers.names.join(', ');
    reply.hijack();
    this.#streams++;
    try {
      // The connection is usable again after a body that says where it ends: a length, or chunks, which HTTP/1.0 has not.
      response.writeHead(streamed.status, headers);
      if (reply.request.method !== 'HEAD') {
        if (streamed.length === undefined) response.flushHeaders();
        const signal = this.#watchBody(response, streamed);
        const patienceMs = streamed.once ? LONGEST_MS : undefined;
        const sent = await pump(response, (written) => streamed.body(signal, written), signal, patienceMs);
        const isCut = streamed.length === undefined ? signal.aborted : sent !== streamed.length;
        if (isCut && !streamed.tellsItsEnd) throw new Error('body cut short');
        if (trailers && !signal.aborted) response.addTrailers(trailers.read());
      }
      response.end();
    } catch (error) {
      // The status is out: breaking the connection is the only honest way to say it.
      if (!response.destroyed && !this.#closing)
        this.#log?.error({ err: error, path: reply.request.url.split('?', 1)[0] }, 'stream failed');
      breakOff(response);
    } finally {
      this.#streams--;
    }
  }

  /** A body that neither ends by itself nor may be filled cannot tell who has gone from who still listens. */
  #watchBody(response: ServerResponse, { ends, length, filler, tellsItsEnd }: StreamedResponse): AbortSignal {
    const endsBySelf = ends ?? (() => length !== undefined);
    return this.watch(response, {
      ends: endsBySelf,
      halfClosed: () => {
        if (filler) tryClient(response, () => response.write(filler));
        else if (endsBySelf()) return;
        else if (tellsItsEnd) response.destroy();
        else breakOff(response);
      },
    });
  }
}

/**
 * So that nobody takes what was sent for all. HTTP/1.0 has no chunks: a body without a length would be whole where its connection
 * ends in order.
 */
function breakOff(response: ServerResponse): void {
  const { socket, req } = response;
  if (req.httpVersion === '1.0' && response.headersSent && !response.writableFinished)
    socket?.resetAndDestroy();
  response.destroy();
}
