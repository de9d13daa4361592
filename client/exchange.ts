import { ConnectionError, ProtocolError, type RunwireError } from './errors.ts';
import type { Answer, Asking } from './fetch.ts';
import { LONGEST_MS } from './pause.ts';
import { type Payload, partsOf, sendingOf, unreadable } from './payload.ts';
import type { Settings } from './settings.ts';

/** What is asked. */
export interface Call {
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** Begins with a slash; what is in it is percent-encoded already. */
  path: string;
  query?: object | undefined;
  /** By names in lower case. */
  headers?: { [name: string]: string } | undefined;
  body?: Payload | undefined;
  /** The server may take so long until it answers. */
  waitSeconds?: number | undefined;
  /** A status that is an answer here too, where it is JSON of the route and no problem. */
  takes?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** Codes of Node for a request of which no byte was sent. */
const UNSENT = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/;
/** The certificate is not trusted, is over, or is of another host. */
const UNTRUSTED = /^(ERR_TLS_CERT_\w+|CERT_\w+|\w+_CERT|\w+_CERT_IN_CHAIN|UNABLE_TO_\w+)$/;
/** What OpenSSL says of an answer that is not TLS. */
const NO_TLS = /wrong version number|packet length too long/;

/** What fetch says of a port that it never asks (WHATWG Fetch, "port blocking"). */
const BAD_PORT = 'bad port';

/** What fetch of Node says where it is not to follow one. */
const REDIRECT = 'unexpected redirect';

/** One request and its answer, which ends when it is read, closed, idle too long, or aborted from outside. */
export class Exchange {
  readonly response: Answer;
  readonly #controller: AbortController;
  readonly #signal: AbortSignal | undefined;
  readonly #unlink: () => void;

  private constructor(response: Answer, controller: AbortController, call: Call, unlink: () => void) {
    this.response = response;
    this.#controller = controller;
    this.#signal = call.signal;
    this.#unlink = unlink;
  }

  /** Throws ConnectionError, SourceError, or the reason of the signal. */
  static async begin(settings: Settings, call: Call): Promise<Exchange> {
    const { signal } = call;
    signal?.throwIfAborted();
    const controller = new AbortController();
    const abort = (): void => controller.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const unlink = (): void => signal?.removeEventListener('abort', abort);
    const sending = call.body === undefined ? null : sendingOf(call.body);
    const isLarge = sending?.repeatable === false || isLong(call.body);
    const bound = isLarge ? Number.POSITIVE_INFINITY : settings.answerSeconds;
    const silence = (): void => controller.abort(lost(`no answer within ${bound} s`));
    const timer = within((bound + (call.waitSeconds ?? 0)) * 1000, silence);
    try {
      const asking: Asking = {
        method: call.method ?? 'GET',
        headers: headersOf(settings, call),
        // Else fetch of Node keeps a copy of what it has sent.
        redirect: isLarge ? 'error' : 'manual',
        signal: controller.signal,
        ...(sending && { body: sending.body }),
        ...(sending?.repeatable === false && { duplex: 'half' }),
      };
      const response = await settings.fetch(`${settings.url}${call.path}${queryOf(call.query)}`, asking);
      return new Exchange(response, controller, call, unlink);
    } catch (error) {
      unlink();
      signal?.throwIfAborted();
      throw sending?.failure() ?? failureOf(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The body as it comes. Throws ConnectionError where it breaks off, or nothing comes for `idleSeconds`. */
  async *bytes(idleSeconds: number): AsyncGenerator<Uint8Array, void, void> {
    const { body } = this.response;
    let last = performance.now();
    let held = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const watch = (ms: number): void => {
      timer = within(ms, () => {
        const rest = held ? ms : last + idleSeconds * 1000 - performance.now();
        if (rest > 0) watch(rest);
        else this.#controller.abort(lost(`nothing came for ${idleSeconds} s`));
      });
    };
    watch(idleSeconds * 1000);
    try {
      if (body === null) return;
      for await (const part of partsOf(body)) {
        held = true; // only the other side can be idle
        yield part;
        held = false;
        last = performance.now();
      }
    } catch (error) {
      this.#signal?.throwIfAborted();
      throw failureOf(error);
    } finally {
      clearTimeout(timer);
      this.close();
    }
  }

  /** All of the body, as text. */
  async text(idleSeconds: number): Promise<string> {
    const decoder = new TextDecoder();
    let text = '';
    for await (const part of this.bytes(idleSeconds)) text += decoder.decode(part, { stream: true });
    return text + decoder.decode();
  }

  /** The connection is given up, unless all has come. */
  close(): void {
    this.#unlink();
    this.#controller.abort();
  }
}

const headersOf = ({ token }: Settings, call: Call): { [name: string]: string } => ({
  ...call.headers,
  ...(token !== null && { authorization: `Bearer ${token}` }),
});

function queryOf(query: object = {}): string {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== null) asked.set(name, String(value));
  return asked.size === 0 ? '' : `?${asked}`;
}

/** Its way there may take long, and fetch does not tell how far it is. */
function isLong(body: Call['body']): boolean {
  if (typeof body !== 'object') return false;
  return body instanceof Uint8Array ? body.length > 1e6 : body instanceof Blob && body.size > 1e6;
}

function within(ms: number, act: () => void): ReturnType<typeof setTimeout> | undefined {
  return ms > LONGEST_MS ? undefined : setTimeout(act, ms);
}

function lost(words: string, cause?: unknown): ConnectionError {
  return new ConnectionError(words, { code: 'connection_lost', cause });
}

function failureOf(error: unknown): RunwireError {
  if (error instanceof ConnectionError) return error;
  const { name, code, message } = innermost(error);
  if (name === 'NotReadableError') return unreadable(error); // a local file that was changed since
  const words = NO_TLS.test(message) ? 'no TLS is spoken there; is it http?' : message;
  if (words !== message || UNSENT.test(code) || UNTRUSTED.test(code) || message === BAD_PORT)
    return new ConnectionError(`the server is not reached: ${words}`, { code: 'unreachable', cause: error });
  if (message === REDIRECT)
    return new ProtocolError('the answer is a redirect: this is not the address of a Runwire server', {
      code: 'unexpected_answer',
      cause: error,
    });
  return lost(`the connection broke: ${message}`, error);
}

/** Why, below the `fetch failed` of Node. */
function innermost(error: unknown): { name: string; code: string; message: string } {
  let at = error;
  while (at instanceof Error && at.cause instanceof Error) at = at.cause;
  if (!(at instanceof Error)) return { name: '', code: '', message: String(at) };
  const { code } = at as { code?: unknown };
  return { name: at.name, code: typeof code === 'string' ? code : '', message: at.message || String(code) };
}
