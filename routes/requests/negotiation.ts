import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { RunwireError } from '../../src/documents/errors.ts';
import { preference } from './prefer.ts';
import { decimal } from './query.ts';

/** The longest wait of one request, seconds; longer ones are shortened to it. */
export const MAX_WAIT_SECONDS = 3600;

export const WaitQuery = z.strictObject({
  wait: decimal(z.number().min(0))
    .optional()
    .describe(`Wait up to so many seconds (at most ${MAX_WAIT_SECONDS}) for the run to finish`),
});
export type WaitQuery = z.infer<typeof WaitQuery>;

export const JSON_TYPE = 'application/json';
export const SSE_TYPE = 'text/event-stream';
export const NDJSON_TYPE = 'application/x-ndjson';
export const TEXT_TYPE = 'text/plain';
export const BYTES_TYPE = 'application/octet-stream';

/**
 * The media type to answer with (RFC 9110, 12.5.1): the offered one with the highest q, the first
 * of them on a tie. A list without members, which its grammar allows, names nothing to choose by: it is as if there were
 * none. Throws not_acceptable when none is accepted.
 */
export function negotiate<Offer extends string>(
  accept: string | undefined,
  offers: readonly [Offer, ...Offer[]],
): Offer {
  if (accept === undefined || accept === '*/*' || accept === offers[0]) return offers[0];
  const ranges = accept
    .split(',')
    .filter((member) => member.trim() !== '')
    .map(parseRange);
  if (ranges.length === 0) return offers[0];
  let best: Offer | undefined;
  let bestQ = 0;
  for (const offer of offers) {
    const q = qualityOf(offer, ranges);
    if (q > bestQ) {
      best = offer;
      bestQ = q;
    }
  }
  if (best === undefined)
    throw new RunwireError('not_acceptable', `Accept must allow one of ${offers.join(', ')}.`);
  return best;
}

export interface RequestedWait {
  seconds: number;
  /** What to say in Preference-Applied. */
  applied: string | null;
}

/** How long to wait for the end of a run, from `?wait=` or else `Prefer: wait=` (RFC 7240). */
export function requestedWait(request: FastifyRequest<{ Querystring: WaitQuery }>): RequestedWait {
  const { wait } = request.query;
  if (wait !== undefined) return { seconds: Math.min(wait, MAX_WAIT_SECONDS), applied: null };
  const asked = preference(request.headers.prefer?.toString(), 'wait');
  // Delta-seconds (RFC 7240, 4.3); a preference that is none is passed over.
  if (asked === undefined || !/^\d+$/.test(asked)) return { seconds: 0, applied: null };
  const seconds = Math.min(Number(asked), MAX_WAIT_SECONDS);
  return { seconds, applied: `wait=${seconds}` };
}

interface MediaRange {
  type: string;
  q: number;
}

function parseRange(text: string): MediaRange {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  const q = weight === undefined ? 1 : Number(weight.slice(2));
  return { type, q: q >= 0 && q <= 1 ? q : 0 };
}

/** The most specific range that fits decides. */
function qualityOf(offer: string, ranges: readonly MediaRange[]): number {
  for (const wanted of [offer, `${offer.split('/', 1)[0]}/*`, '*/*']) {
    const range = ranges.find(({ type }) => type === wanted);
    if (range !== undefined) return range.q;
  }
  return 0;
}
