import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChunkedBody } from '../../bench/chunked-body.ts';

const HEAD = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n';
const answer = `${HEAD}5\r\nhello\r\n1a\r\n${'x'.repeat(26)}\r\n0\r\n\r\n`;

function read(pieces: readonly string[]): { body: string; status: number; ended: boolean } {
  const chunked = new ChunkedBody();
  let body = '';
  for (const piece of pieces) {
    const bytes = Buffer.from(piece);
    chunked.push(bytes, (start, end) => {
      body += bytes.toString('latin1', start, end);
    });
  }
  return { body, status: chunked.status, ended: chunked.ended };
}

test('A body in chunks is read however it is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(answer.length), { maxLength: 8 }), (cuts) => {
      const edges = [0, ...cuts.toSorted((a, b) => a - b), answer.length];
      const pieces = edges.slice(1).map((edge, index) => answer.slice(edges[index], edge));
      expect(read(pieces)).toEqual({ body: `hello${'x'.repeat(26)}`, status: 200, ended: true });
    }),
  );
});

test('It has ended only with the last chunk', () => {
  expect(read([answer.slice(0, -5)])).toMatchObject({ ended: false });
});

test('An answer that is not in chunks is refused', () => {
  expect(() => read(['HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno'])).toThrow('404 Not Found');
});
