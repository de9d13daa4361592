/** Of which trace something is part: the headers of W3C Trace Context and Baggage, each as it came. */
export interface TraceContext {
  traceparent?: string;
  /** Only beside a traceparent. */
  tracestate?: string;
  baggage?: string;
}

/** A traceparent in its parts. Ids in hexadecimal. */
export interface Traceparent {
  traceId: string;
  spanId: string;
  /** Whoever called records it. */
  sampled: boolean;
}

/** As their specifications bound them: what is longer may be left out by anybody. */
const MOST_TRACESTATE = 512;
const MOST_BAGGAGE = 8192;

/** Of headers, or of variables. What is not valid is left out, as W3C Trace Context says. */
export function traceContext(found: { readonly [Name in keyof TraceContext]: unknown }): TraceContext {
  const { traceparent, tracestate, baggage } = found;
  const known = readTraceparent(traceparent) !== null;
  return {
    ...(known && { traceparent: String(traceparent) }),
    ...(known && isList(tracestate, MOST_TRACESTATE) && { tracestate }),
    ...(isList(baggage, MOST_BAGGAGE) && { baggage }),
  };
}

/** Null: it is none that is valid. */
export function readTraceparent(text: unknown): Traceparent | null {
  if (typeof text !== 'string') return null;
  const [, version, traceId = '', spanId = '', flags = ''] =
    /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/.exec(text) ?? [];
  if (version === undefined || version === 'ff' || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function writeTraceparent({ traceId, spanId, sampled }: Traceparent): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

/** `own` variables of a program and those of the trace, as environment carriers of OpenTelemetry have them. */
export function withTrace(
  own: Readonly<Record<string, string>>,
  { traceparent, tracestate, baggage }: TraceContext,
): Record<string, string> {
  const { TRACESTATE: state, ...others } = own;
  return {
    ...others,
    // The state of one trace is none of another's.
    ...(traceparent === undefined && state !== undefined && { TRACESTATE: state }),
    ...(traceparent !== undefined && { TRACEPARENT: traceparent }),
    ...(tracestate !== undefined && { TRACESTATE: tracestate }),
    ...(baggage !== undefined && { BAGGAGE: baggage }),
  };
}

/** Back from them. */
export function traceOfVariables(environment: Readonly<Record<string, string | undefined>>): TraceContext {
  const { TRACEPARENT: traceparent, TRACESTATE: tracestate, BAGGAGE: baggage } = environment;
  return traceContext({ traceparent, tracestate, baggage });
}

function isList(text: unknown, most: number): text is string {
  return (
    typeof text === 'string' && text.length <= most && text.includes('=') && /^[\t\x20-\x7e]+$/.test(text)
  );
}
