import { expect, test } from 'vitest';
import { readTraceparent, traceContext, withTrace } from '../../../src/documents/trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const traceparent = `00-${TRACE}-${SPAN}-01`;

test('a traceparent has its parts', () => {
  expect(readTraceparent(traceparent)).toEqual({ traceId: TRACE, spanId: SPAN, sampled: true });
  expect(readTraceparent(`cc-${TRACE}-${SPAN}-02`)).toMatchObject({ sampled: false });
});

test.each([
  undefined,
  '',
  `ff-${TRACE}-${SPAN}-01`,
  `00-${'0'.repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${'0'.repeat(16)}-01`,
  `00-${TRACE.toUpperCase()}-${SPAN}-01`,
  `${traceparent}-`,
  ` ${traceparent}`,
])('%j is none', (text) => {
  expect(readTraceparent(text)).toBeNull();
  expect(traceContext({ traceparent: text, tracestate: 'a=b', baggage: 'c=d' })).toEqual({ baggage: 'c=d' });
});

test('lists that are too long, or none, are left out', () => {
  const found = { traceparent, tracestate: `a=${'b'.repeat(511)}`, baggage: `a=${'b'.repeat(8191)}` };
  expect(traceContext(found)).toEqual({ traceparent });
  expect(traceContext({ traceparent, tracestate: 'é=1', baggage: 'none' })).toEqual({ traceparent });
});

test('the state of a trace that a program is not part of is not told to it', () => {
  const own = { A: '1', TRACEPARENT: 'x', TRACESTATE: 'y', BAGGAGE: 'z' };
  expect(withTrace(own, {})).toEqual(own);
  expect(withTrace(own, { traceparent })).toEqual({ A: '1', TRACEPARENT: traceparent, BAGGAGE: 'z' });
});
