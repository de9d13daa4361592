import { describe, expect, test } from 'vitest';
import { negotiate, requestedWait } from '../../../routes/requests/negotiation.ts';

const OFFERS = ['application/json', 'text/event-stream', 'text/plain'] as const;

describe('negotiate', () => {
  test.each([
    [undefined, 'application/json'],
    ['', 'application/json'],
    [' ,\t,', 'application/json'],
    [', text/plain,', 'text/plain'],
    ['*/*', 'application/json'],
    ['text/*', 'text/event-stream'],
    ['text/*;q=0.5, text/plain', 'text/plain'],
    ['text/html, application/xhtml+xml, */*;q=0.8', 'application/json'],
    ['application/json;q=0, */*', 'text/event-stream'],
    ['TEXT/PLAIN; charset=utf-8', 'text/plain'],
    ['text/plain;q=0.3, text/event-stream ; q=0.4', 'text/event-stream'],
    ['text/event-stream, application/json', 'application/json'],
  ])('Accept: %s gives %s', (accept, expected) => {
    expect(negotiate(accept, OFFERS)).toBe(expected);
  });

  test.each(['image/png', 'application/json;q=0', 'text/plain;q=x', 'text/plain;q=0,'])(
    'Accept: %j can be given nothing',
    (accept) => {
      expect(() => negotiate(accept, OFFERS)).toThrow(expect.objectContaining({ code: 'not_acceptable' }));
    },
  );
});

describe('requestedWait', () => {
  const ask = (wait: number | undefined, prefer?: string) =>
    requestedWait({ query: { wait }, headers: { prefer } } as unknown as Parameters<typeof requestedWait>[0]);

  test.each([
    [undefined, undefined, 0, null],
    [2.5, undefined, 2.5, null],
    [1, 'wait=9', 1, null],
    [undefined, 'wait=9', 9, 'wait=9'],
    [undefined, 'respond-async, WAIT = 9; foo=bar', 9, 'wait=9'],
    [undefined, 'wait="9"', 9, 'wait=9'],
    [undefined, 'return=minimal', 0, null],
    [undefined, 'await=9', 0, null],
    [undefined, 'wait=soon', 0, null],
    // RFC 7240, 4.3: delta-seconds, which are whole.
    [undefined, 'wait=0.2', 0, null],
    [undefined, 'wait=1.5, respond-async', 0, null],
    [undefined, 'wait=999999', 3600, 'wait=3600'],
    [999999, undefined, 3600, null],
  ])('?wait=%s with Prefer: %s waits %s s', (wait, prefer, seconds, applied) => {
    expect(ask(wait, prefer)).toEqual({ seconds, applied });
  });
});
