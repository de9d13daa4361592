import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ResponseReader } from '../../bench/response.ts';

const answers = [
  {
    name: 'with a Content-Length',
    bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n',
    expected: { status: 200, close: false, body: 'ok\n' },
  },
  {
    name: 'in chunks',
    bytes: 'HTTP/1.1 422 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n1\r\n\n\r\n0\r\n\r\n',
    expected: { status: 422, close: false, body: 'ok\n' },
  },
  {
    name: 'that closes the connection',
    bytes: 'HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length: 0\r\n\r\n',
    expected: { status: 200, close: true, body: '' },
  },
];

describe.each(answers)('An answer $name', ({ bytes, expected }) => {
  test('is read however it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 5 }), (cuts) => {
        const reader = new ResponseReader();
        const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        const pieces = edges.slice(1).map((edge, index) => bytes.slice(edges[index], edge));
        const read = pieces
          .map((piece) => reader.push(Buffer.from(piece)))
          .filter((answer) => answer !== null);
        expect(read.map((answer) => ({ ...answer, body: answer.body.toString() }))).toEqual([expected]);
      }),
    );
  });
});
