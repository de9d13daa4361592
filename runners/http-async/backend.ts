import { z } from 'zod';
import type { RunContext } from '../../src/contract/context.ts';
import { Rejected } from '../../src/contract/outcome.ts';
import type { Secrets } from '../../src/outbound/secrets.ts';
import { isExactNumber, parseExact } from '../../src/platform/exact-json.ts';
import type { Connections } from '../wire/connections.ts';
import type { Taker, WireRequest } from '../wire/exchange.ts';
import { asFieldValue } from '../wire/header.ts';
import { parseJson } from '../wire/json.ts';
import { isSafe, type Journey, travel } from '../wire/redirect.ts';
import { buildRequest, requestUrl } from '../wire/request.ts';
import type { HttpAsyncSpec } from './spec.ts';

const LeftNote = z.object({ kickoff: z.literal('left') });
const LEFT_NOTE = JSON.stringify({ kickoff: 'left' } satisfies z.infer<typeof LeftNote>);

/** Did the kickoff go to an origin that does not know it again: it must not be sent again. */
export function saysThatItLeft(note: string): boolean {
  return LeftNote.safeParse(parseJson(note)).success;
}

/** Has the backend the completion URL: not where that was dropped on the way. */
export function hasCallback({ callback }: HttpAsyncSpec, { request }: Pick<Journey, 'request'>): boolean {
  const { header, body_field: field } = callback ?? {};
  const inHeader = header !== undefined && Object.hasOwn(request.headers, header.toLowerCase());
  return inHeader || (field !== undefined && request.body !== null);
}

/** Would it know this kickoff again. */
export function hasKey(
  { idempotency_header: key }: HttpAsyncSpec,
  { request }: Pick<Journey, 'request'>,
): boolean {
  return key !== undefined && Object.hasOwn(request.headers, key.toLowerCase());
}

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
    const { spec, inputPath, environment, callbackUrl, invocation, output } = this.#ctx;
    const address = spec.callback ? callbackUrl() : '';
    const request = buildRequest(kickoffSpec(spec, { callbackUrl: address, id: invocation.invocation_id }), {
      secrets: this.#secrets,
      inputPath,
      traceparent: environment.TRACEPARENT,
    });
    const { callback, idempotency_header: key } = spec;
    const own = [callback?.header, key].flatMap((name) => (name === undefined ? [] : [name.toLowerCase()]));
    return this.#send(
      {
        ...request,
        fresh: true,
        ours: [...(request.ours ?? []), ...own],
        ...(key !== undefined && { leaves: () => output.acknowledged.note(LEFT_NOTE) }),
      },
      taker,
      signal,
    );
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
      { secrets: this.#secrets, traceparent: own ? environment.TRACEPARENT : undefined },
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

export interface KickoffFacts {
  callbackUrl: string;
  /** Of the invocation. */
  id: string;
}

/** The kickoff with the completion URL and the idempotency key where the spec wants them. Throws Rejected where they cannot be put. */
export function kickoffSpec(spec: HttpAsyncSpec, { callbackUrl, id }: KickoffFacts): HttpAsyncSpec {
  const { header, body_field: field } = spec.callback ?? {};
  const headers = { ...spec.headers };
  if (header !== undefined) headers[header] = callbackUrl;
  const { idempotency_header: key } = spec;
  if (key !== undefined) headers[key] = asFieldValue(id);
  const body = field === undefined ? spec.body : withField(spec, field.split('.'), callbackUrl);
  return { ...spec, headers, body };
}

function withField(spec: HttpAsyncSpec, path: string[], url: string): unknown {
  const body = spec.body ?? {};
  if ((spec.body_format ?? 'json') === 'raw' || !isObject(body))
    throw new Rejected('http.callback.body_field needs an http.body that is a JSON object');
  const copy = parseExact(JSON.stringify(body));
  if (!isObject(copy)) throw new Error('a copy is what it is a copy of');
  let place = copy;
  for (const step of path.slice(0, -1)) {
    const next = Object.hasOwn(place, step) ? place[step] : {};
    if (!isObject(next)) throw new Rejected(`http.callback.body_field: ${step} is not an object`);
    Object.defineProperty(place, step, { value: next, enumerable: true, writable: true, configurable: true });
    place = next;
  }
  Object.defineProperty(place, path.at(-1) ?? '', { value: url, enumerable: true, configurable: true });
  return copy;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactNumber(value);
}
