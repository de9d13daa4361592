import type { RunContext } from '../../src/contract/context.ts';
import { Rejected } from '../../src/contract/outcome.ts';
import { traceOfVariables } from '../../src/documents/trace-context.ts';
import type { Connections } from '../../src/outbound/connections.ts';
import type { Taker, WireRequest } from '../../src/outbound/exchange.ts';
import { isSafe, type Journey, travel } from '../../src/outbound/redirect.ts';
import type { Secrets } from '../../src/outbound/secrets.ts';
import { buildRequest, requestUrl } from '../wire/request.ts';
import { kickoffRequest } from './kickoff-request.ts';
import type { HttpAsyncSpec } from './spec.ts';

/** The calls of one run: kickoff, polls, stream, cancel. */
export class Backend {
  readonly #ctx: RunContext<HttpAsyncSpec>;
  readonly #connections: Connections;
  readonly #secrets: Secrets;
  readonly #base: URL;

  constructor(ctx: RunContext<HttpAsyncSpec>, connections: Connections, secrets: Secrets) {
    this.#ctx = ctx;
    this.#connections = connections;
    this.#secrets = secrets;
    this.#base = requestUrl(ctx.spec.url ?? '', 'http.url');
  }

  kickoff(taker: Taker, signal: AbortSignal): Promise<Journey> {
    return this.#send(kickoffRequest(this.#ctx, this.#secrets), taker, signal);
  }

  /** Where a template leads. Null when it needs a run id and there is none. Throws Error for an id that is no part of a path. */
  place(template: string, runId: string | undefined): URL | null {
    return template.includes('{run_id}') && runId === undefined
      ? null
      : requestUrl(fill(template, runId ?? ''), 'http.url', this.#base);
  }

  /** Where an answer that came from there says to go. */
  placeNamed(address: string, from: URL): URL {
    return requestUrl(address, 'the address the backend gave', from);
  }

  /** A call about the job. What the invocation gave for its host goes to another only if the invocation named that. */
  call(
    url: URL,
    { method = 'GET', named = false, headers = {} }: CallOptions,
    taker: Taker,
    signal: AbortSignal,
  ): Promise<Journey> {
    const { spec, environment } = this.#ctx;
    const same = url.origin === this.#base.origin;
    const own = !named || same;
    const kept = Object.entries(own ? (spec.headers ?? {}) : {}).filter(
      ([name]) => !/^content-/i.test(name) && (same || name.toLowerCase() !== 'host'),
    );
    const request = buildRequest(
      {
        method,
        url: url.href,
        headers: { accept: 'application/json', ...Object.fromEntries(kept), ...headers },
        ...(own && spec.auth ? { auth: spec.auth } : {}),
      },
      { secrets: this.#secrets, trace: own ? traceOfVariables(environment) : {} },
    );
    return this.#send({ ...request, fresh: !isSafe(method) }, taker, signal);
  }

  #send(request: WireRequest, taker: Taker, signal: AbortSignal): Promise<Journey> {
    return travel(this.#connections, request, taker, signal, this.#ctx.spec.follow_redirects);
  }
}

export interface CallOptions {
  method?: string | undefined;
  /** The address came from the backend, not from the invocation. */
  named?: boolean;
  headers?: Record<string, string>;
}

/** Throws Rejected for templates that are no addresses, whatever the run id will be. */
export function checkTemplates(spec: HttpAsyncSpec, secrets: Secrets): void {
  const base = requestUrl(spec.url ?? '', 'http.url');
  const templates = {
    poll_url_template: spec.poll_url_template,
    stream_url_template: spec.stream_url_template,
    'cancel.url_template': spec.cancel?.url_template,
  };
  for (const [field, template] of Object.entries(templates)) {
    if (template === undefined) continue;
    const url = requestUrl(fill(template, 'id'), `http.${field}`, base);
    if (requestUrl(fill(template, 'other'), `http.${field}`, base).origin !== url.origin)
      throw new Rejected(`http.${field}: {run_id} must not be part of the host`);
    const method = field.startsWith('cancel') ? (spec.cancel?.method ?? 'POST') : 'GET';
    buildRequest({ ...spec, url: url.href, method, body: undefined }, { secrets });
  }
}

/** The run id as one part of a path: escaped, and never one that URLs read as "here" or "up". */
function fill(template: string, runId: string): string {
  if (template.includes('{run_id}') && (/^\.{0,2}$/.test(runId) || !runId.isWellFormed()))
    throw new Error(`the run id ${JSON.stringify(runId)} cannot be part of a URL`);
  return template.replaceAll('{run_id}', () => encodeURIComponent(runId));
}
