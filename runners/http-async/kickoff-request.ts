import { z } from 'zod';
import type { RunContext } from '../../src/contract/context.ts';
import { Rejected } from '../../src/contract/outcome.ts';
import { traceOfVariables } from '../../src/documents/trace-context.ts';
import type { WireRequest } from '../../src/outbound/exchange.ts';
import type { Journey } from '../../src/outbound/redirect.ts';
import type { Secrets } from '../../src/outbound/secrets.ts';
import { isExactNumber, parseExact } from '../../src/platform/exact-json.ts';
import { asFieldValue } from '../wire/header.ts';
import { jsonIn } from '../wire/json.ts';
import { buildRequest } from '../wire/request.ts';
import type { HttpAsyncSpec } from './spec.ts';

const LeftNote = z.object({ kickoff: z.literal('left') });
const LEFT_NOTE = JSON.stringify({ kickoff: 'left' } satisfies z.infer<typeof LeftNote>);

/** Did the kickoff go to an origin that does not know it again: it must not be sent again. */
export function saysThatItLeft(note: string): boolean {
  return LeftNote.safeParse(jsonIn(note)).success;
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

/** What starts the job. Before it leaves for an origin that would not know its repeat, that is noted. */
export function kickoffRequest(
  { spec, inputPath, environment, callbackUrl, invocation, output }: RunContext<HttpAsyncSpec>,
  secrets: Secrets,
): WireRequest {
  const { callback, idempotency_header: key } = spec;
  const named = kickoffSpec(spec, {
    callbackUrl: callback ? callbackUrl() : '',
    id: invocation.invocation_id,
  });
  const request = buildRequest(named, { secrets, inputPath, trace: traceOfVariables(environment) });
  const own = [callback?.header, key].flatMap((name) => (name === undefined ? [] : [name.toLowerCase()]));
  return {
    ...request,
    fresh: true,
    ours: [...(request.ours ?? []), ...own],
    ...(key !== undefined && { leaves: () => output.acknowledged.note(LEFT_NOTE) }),
  };
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
