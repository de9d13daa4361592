import { ConnectionError, ProtocolError, type RunwireError } from './errors.ts';
import { type Call, Exchange } from './exchange.ts';
import { Patience } from './patience.ts';
import { isStream } from './payload.ts';
import { errorOf } from './problem.ts';
import type { Settings } from './settings.ts';

/** May a call be sent again whose fate is not known: the second does no more than the first did. */
export interface Repeating extends Call {
  repeatable?: boolean;
  /** Default: that of the settings. */
  retrySeconds?: number;
}

/** Asks one server, again where that is safe. */
export class Connection {
  readonly settings: Settings;

  constructor(settings: Settings) {
    this.settings = settings;
  }

  /** A JSON answer. */
  json<T>(call: Repeating): Promise<T> {
    return this.ask(call, (exchange) => this.#parsed<T>(exchange));
  }

  /** An answer of plain text. */
  text(call: Repeating): Promise<string> {
    return this.ask(call, async (exchange) => {
      const type = exchange.response.headers.get('content-type') ?? 'nothing';
      if (!type.startsWith('text/plain'))
        throw new ProtocolError(`the answer is ${type}, and not the text of a Runwire server`, {
          ...{ code: 'unexpected_answer', status: exchange.response.status },
        });
      return exchange.text(this.settings.idleSeconds);
    });
  }

  /** JSON that is sent, and its answer. */
  send<T>(call: Repeating, body: unknown): Promise<T> {
    return this.json<T>(withJson(call, body));
  }

  /** An answer of which only the status matters. */
  done(call: Repeating): Promise<void> {
    return this.ask(call, async (exchange) => {
      await exchange.text(this.settings.idleSeconds);
    });
  }

  /**
   * What `read` makes of the answer. Sent again after a failure that passes by, for `retrySeconds`: always where the server
   * did nothing, and where its fate is not known if the call may be repeated.
   */
  async ask<T>(call: Repeating, read: (exchange: Exchange) => Promise<T>): Promise<T> {
    const patience = new Patience(call.retrySeconds ?? this.settings.retrySeconds, call.signal);
    const once = call.body !== undefined && isStream(call.body);
    const repeatable = !once && (call.repeatable ?? call.method !== 'POST');
    for (let uncertain = false; ; ) {
      try {
        const exchange = await this.open(call, uncertain);
        return await read(exchange);
      } catch (error) {
        call.signal?.throwIfAborted();
        const undone = isUndone(error);
        if (once || !(undone || repeatable)) throw error;
        await patience.after(error);
        uncertain ||= !undone;
      }
    }
  }

  /** One attempt. Throws what the answer says, where it is no success. `mayBeGone`: an earlier attempt may have removed it. */
  async open(call: Call, mayBeGone = false): Promise<Exchange> {
    const exchange = await Exchange.begin(this.settings, call);
    const { ok, status } = exchange.response;
    const type = exchange.response.headers.get('content-type') ?? '';
    if (ok || (status === call.takes && type.startsWith('application/json'))) return exchange;
    if (call.method === 'DELETE' && mayBeGone && (status === 404 || status === 410)) return exchange;
    throw await this.#refusal(call, exchange);
  }

  /** An answer to HEAD has no words: why it is refused is what GET is told. */
  async #refusal(call: Call, exchange: Exchange): Promise<RunwireError> {
    const { idleSeconds } = this.settings;
    if (call.method !== 'HEAD') return errorOf(exchange.response, await exchange.text(idleSeconds));
    exchange.close();
    const asked = await Exchange.begin(this.settings, { ...call, method: 'GET' });
    if (!asked.response.ok) return errorOf(asked.response, await asked.text(idleSeconds));
    asked.close();
    return errorOf(exchange.response, '');
  }

  async #parsed<T>(exchange: Exchange): Promise<T> {
    const type = exchange.response.headers.get('content-type') ?? 'nothing';
    const text = await exchange.text(this.settings.idleSeconds);
    try {
      if (type.startsWith('application/json')) return JSON.parse(text);
    } catch {
      // Said below.
    }
    throw new ProtocolError(`the answer is ${type}, and not the JSON of a Runwire server`, {
      ...{ code: 'unexpected_answer', status: exchange.response.status },
    });
  }
}

export function withJson<T extends Call>(call: T, body: unknown): T {
  const headers = { ...call.headers, 'content-type': 'application/json' };
  return { ...call, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
}

/** The server did nothing of what was asked: it was not reached, or says that it is not now. */
function isUndone(error: unknown): boolean {
  if (error instanceof ConnectionError) return error.code === 'unreachable';
  const { code } = error as Partial<RunwireError>;
  return code === 'queue_full' || code === 'draining' || code === 'overloaded';
}
