import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { bodyBytes } from '../../../routes/requests/body-bytes.ts';

test('a body is what was sent, and its memory is given back when more is asked for', async () => {
  const copies: Buffer[] = [];
  const kept: Buffer[] = [];
  const server = createServer(async (request, response) => {
    for await (const chunk of bodyBytes(request)) {
      copies.push(Buffer.from(chunk));
      kept.push(chunk);
    }
    response.end();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    const body = randomBytes(1_000_000);
    await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { method: 'POST', body });
    expect(Buffer.concat(copies).equals(body)).toBe(true);
    expect(kept.map(({ length }) => length)).toEqual(kept.map(() => 0));
  } finally {
    server.close();
  }
});

test('memory of somebody else is left alone', async () => {
  const given = Buffer.from(new ArrayBuffer(1000)).fill('x');
  for await (const chunk of bodyBytes(Readable.from([given]))) expect(chunk).toHaveLength(1000);
  expect(given.toString()).toBe('x'.repeat(1000));
});
