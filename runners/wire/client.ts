import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { Agent, type Dispatcher } from 'undici';
import type { AddressGuard } from '../../src/outbound/address-guard.ts';

const CONNECT_TIMEOUT_MS = 30_000;

export interface WireRequest {
  method: string;
  url: URL;
  headers: Readonly<Record<string, string>>;
  /** Bytes, or a stream made anew for each time the request is sent. */
  body: Buffer | (() => Readable) | null;
  /** Name of a header that goes along to another origin too. */
  everywhere?: string;
  /** Name, in small letters, of the header that carries a secret. It goes to no other origin, whatever it is. */
  secretHeader?: string;
}

export interface AnswerHead {
  status: number;
  statusText: string;
  headers: IncomingHttpHeaders;
}

/** What happens to an answer while it comes. `data` is synchronous: nothing is held between socket and taker. */
export interface Taker {
  /** False: the body is not wanted. */
  head(head: AnswerHead): boolean;
  data(chunk: Buffer): void;
}

/** One request and what became of it. */
export interface Exchange {
  /** A connection was there and the request began to leave: from then on the other side may have acted. */
  sent: boolean;
  head: AnswerHead | null;
  /** Null: the answer came whole, or its body was not wanted. */
  error: Error | null;
}

export interface Tls {
  /** PEM, in place of the authorities that Node trusts. */
  ca?: string | undefined;
  verify?: boolean | undefined;
}

/** Connections that are kept and used again; where they may go is decided when they are made. */
export interface Connections {
  readonly agent: Agent;
  readonly guard: AddressGuard;
}

/** `perOrigin`: connections to one origin at a time; requests beyond wait. Absent: as many as needed. */
export function openConnections(guard: AddressGuard, tls: Tls = {}, perOrigin?: number): Connections {
  const agent = new Agent({
    // The run's deadline bounds the whole exchange.
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
    ...(perOrigin === undefined ? {} : { connections: perOrigin }),
    connect: {
      timeout: CONNECT_TIMEOUT_MS,
      lookup: guard.lookup,
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      ...(tls.verify === undefined ? {} : { rejectUnauthorized: tls.verify }),
    },
  });
  return { agent, guard };
}

/** Send one request, following nothing. Never rejects; settles at once when the signal aborts. */
export function exchange(
  { agent, guard }: Connections,
  request: WireRequest,
  taker: Taker,
  signal: AbortSignal,
): Promise<Exchange> {
  const result: Exchange = { sent: false, head: null, error: null };
  const over = Promise.withResolvers<Exchange>();
  const settle = (error: Error | null): void => {
    result.error ??= error;
    over.resolve(result);
  };
  if (signal.aborted) return Promise.resolve({ ...result, error: asError(signal.reason) });
  let control: Dispatcher.DispatchController | null = null;
  let stopped: Error | null = null;
  const stop = (error: Error | null): void => {
    stopped ??= error ?? new Error('not wanted');
    settle(error);
    control?.abort(stopped);
  };
  const onAbort = (): void => stop(asError(signal.reason));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    guard.checkHost(request.url.hostname);
    agent.dispatch(optionsOf(request), {
      onRequestStart(controller) {
        control = controller;
        if (stopped) controller.abort(stopped);
        else result.sent = true;
      },
      onResponseStart(_controller, status, headers, statusText = '') {
        if (stopped || status < 200) return;
        result.head = { status, statusText, headers };
        attempt(() => {
          if (!taker.head({ status, statusText, headers })) stop(null);
        });
      },
      onResponseData(_controller, chunk) {
        if (!stopped) attempt(() => taker.data(chunk));
      },
      onResponseEnd: () => settle(null),
      onResponseError: (_controller, error) => settle(stopped ? null : error),
    });
  } catch (error) {
    settle(asError(error));
  }
  /** A taker that fails (a full disk) ends the exchange with its error. */
  function attempt(take: () => void): void {
    try {
      take();
    } catch (error) {
      stop(asError(error));
    }
  }
  return over.promise.finally(() => signal.removeEventListener('abort', onAbort));
}

function optionsOf({ method, url, headers, body }: WireRequest): Dispatcher.DispatchOptions {
  return {
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method: method as Dispatcher.HttpMethod, // any token: undici checks it
    headers,
    body: typeof body === 'function' ? body() : body,
  };
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason });
}
