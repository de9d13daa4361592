import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { asError } from '../platform/error-words.ts';
import { afterMs } from '../platform/timer.ts';
import { MAX_HEAD_BYTES, readWholeHead, type WholeHead } from '../platform/whole-head.ts';
import { AnswerBody } from './answer-body.ts';
import { type AnswerHead, checkFraming, readHead } from './answer-head.ts';
import type { Connections } from './connections.ts';

const CONNECT_TIMEOUT_MS = 30_000;

export interface WireRequest {
  method: string;
  url: URL;
  headers: Readonly<Record<string, string>>;
  /** Bytes, or a stream made anew for each time the request is sent. */
  body: Buffer | (() => Readable) | null;
  /** On a connection of its own: one that was kept may end unheard. */
  fresh?: boolean;
  /** Names, in small letters, of headers with what is ours: a secret, an address or name of the run. They go to no other origin, whatever they are. */
  ours?: readonly string[];
  /** Called before a request that does something goes to another origin, which knows nothing of what is ours. */
  leaves?: () => void;
}

/** What happens to an answer while it comes. No more is read before `data` returns, and before what it returns settles. */
export interface Taker {
  /** False: the body is not wanted. */
  head(head: AnswerHead): boolean;
  data(chunk: Buffer): void | Promise<void>;
  /** `data` gets at most so many bytes at once. Default: as they come. */
  pieceBytes?: number | undefined;
}

/** One request and what became of it. */
export interface Exchange {
  /** A connection was there and the request began to leave: from then on the other side may have acted. */
  sent: boolean;
  head: AnswerHead | null;
  /** The connection had been used before: it may have ended before the request came. */
  reused: boolean;
  /** Null: the answer came whole, or its body was not wanted. */
  error: Error | null;
}

/** Send one request, following nothing. Never rejects; settles at once when the signal aborts. */
export function exchange(
  connections: Connections,
  wanted: WireRequest,
  taker: Taker,
  signal: AbortSignal,
): Promise<Exchange> {
  const result: Exchange = { sent: false, head: null, reused: false, error: null };
  const over = Promise.withResolvers<Exchange>();
  let request: ClientRequest | null = null;
  let head: WholeHead | null = null;
  let answer: IncomingMessage | null = null;
  let body: AnswerBody | null = null;
  let settled = false;
  const settle = (error: Error | null): void => {
    if (settled) return;
    settled = true;
    body?.giveUp();
    over.resolve({ ...result, error });
  };
  /** No more comes. */
  const end = (error: Error | null): void =>
    body === null ? settle(error) : body.ended(() => settle(error));
  /** No more is wanted, or can be taken. */
  const stop = (error: Error | null): void => {
    settle(error);
    request?.destroy();
  };
  const onAbort = (): void => stop(asError(signal.reason));
  if (signal.aborted) onAbort();
  else
    try {
      connections.guard.checkHost(wanted.url.hostname);
      request = open(connections, wanted);
      head = readWholeHead(request);
      signal.addEventListener('abort', onAbort, { once: true });
      // What comes behind a whole answer does not spoil it.
      request.on('error', (error) => answer?.complete || end(error));
      request.on('close', () => end(answer?.complete ? null : new Error('the connection was closed')));
      whenConnected(request, () => {
        result.sent = true;
        result.reused = request?.reusedSocket ?? false;
      });
      request.on('upgrade', (_answer, socket) => {
        socket.destroy();
        settle(new Error('the answer changes to another protocol, which nobody asked for'));
      });
      request.on('response', take);
      send(request, wanted.body, stop);
    } catch (error) {
      settle(asError(error));
    }

  function take(message: IncomingMessage): void {
    answer = message;
    body = new AnswerBody(message, (chunk) => attempt(() => taker.data(chunk)), taker.pieceBytes);
    message.on('error', end);
    message.on('end', () => end(null));
    attempt(() => {
      const read = readHead(message);
      result.head = read;
      checkFraming(read, head?.codingEndsInTab);
      if (!taker.head(read)) stop(null);
    });
  }

  /** A taker that fails (a full disk) ends the exchange with its error. */
  function attempt(what: () => void | Promise<void>): Promise<void> | undefined {
    if (settled) return undefined;
    try {
      return what()?.catch((error) => stop(asError(error)));
    } catch (error) {
      stop(asError(error));
      return undefined;
    }
  }
  return over.promise.finally(() => signal.removeEventListener('abort', onAbort));
}

function open(connections: Connections, { method, url, headers, body, fresh }: WireRequest): ClientRequest {
  const { http, https } = fresh ? connections.fresh : connections;
  const options = {
    method,
    // As it was given: `pathname` and `search` leave out a `?` with nothing behind it.
    path: url.href.slice(url.origin.length),
    headers: Buffer.isBuffer(body) ? { ...headers, 'content-length': body.length } : headers,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port,
    maxHeaderSize: MAX_HEAD_BYTES,
  };
  return url.protocol === 'https:'
    ? requestHttps({ ...options, agent: https })
    : requestHttp({ ...options, agent: http });
}

/** A body of no known length goes out in chunks. */
function send(request: ClientRequest, body: WireRequest['body'], stop: (error: Error) => void): void {
  if (typeof body !== 'function') return void request.end(body ?? undefined);
  const source = body();
  source.on('error', stop);
  request.on('close', () => source.destroy());
  source.pipe(request);
}

/** Calls back when the request can leave. A connection that takes too long fails it. */
function whenConnected(request: ClientRequest, connected: () => void): void {
  request.once('socket', (socket: Socket) => {
    const isSecure = 'encrypted' in socket;
    // One that could not be made (EMFILE) is not connecting either.
    if (request.reusedSocket || (!isSecure && socket.readyState === 'open')) return connected();
    const event = isSecure ? 'secureConnect' : 'connect';
    const cancel = afterMs(CONNECT_TIMEOUT_MS, () =>
      request.destroy(Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' })),
    );
    const done = (): void => {
      cancel();
      socket.off(event, onConnect);
      socket.off('close', done);
    };
    const onConnect = (): void => {
      done();
      connected();
    };
    socket.once(event, onConnect);
    socket.once('close', done);
  });
}
