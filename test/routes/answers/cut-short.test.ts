import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { stubApp } from '../../helpers/stub-app.ts';

interface Cut {
  text: string;
  /** Did it end as a whole answer does: with the last chunk, or in HTTP/1.0 with its connection, in order. */
  isWhole: boolean;
}

/** Asks, does `then` when output has come, and tells how the answer ended. */
async function cutAfter(origin: string, head: string, then: (end: () => void) => unknown): Promise<Cut> {
  const socket = connect({ port: Number(new URL(origin).port), host: '127.0.0.1', allowHalfOpen: true });
  socket.setEncoding('latin1');
  await once(socket, 'connect');
  socket.write(`${head}\r\nHost: localhost\r\n\r\n`);
  let text = '';
  let isReset = false;
  socket.on('error', () => (isReset = true));
  const came = new Promise<void>((resolve) => {
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('one')) resolve();
    });
  });
  socket.once('end', () => socket.end());
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await came;
  await then(() => socket.end());
  await closed;
  const isChunked = /^transfer-encoding: chunked/im.test(text);
  return { text, isWhole: isChunked ? text.endsWith('0\r\n\r\n') : !isReset };
}

async function running() {
  const stub = stubApp();
  const origin = await stub.listen();
  await stub.start('a');
  stub.engine.write('a', 'stdout', 'one');
  return { stub, origin };
}

describe.each(['1.1', '1.0'])('Output that is not all there is, over HTTP/%s', (version) => {
  test.each(['/output?follow=true', '/stdout?follow=true'])(
    '%s is broken off when the server stops',
    async (path) => {
      const { stub, origin } = await running();
      await using _ = stub;
      const cut = await cutAfter(
        origin,
        `GET /invocations/a${path} HTTP/${version}`,
        () => void stub.app.close(),
      );
      expect(cut).toMatchObject({ isWhole: false, text: expect.stringContaining('one') });
    },
  );

  test('and so it is for one that closes its side, which counts as leaving', async () => {
    const { stub, origin } = await running();
    await using _ = stub;
    const head = `GET /invocations/a/output?follow=true HTTP/${version}`;
    expect(await cutAfter(origin, head, (end) => end())).toMatchObject({ isWhole: false });
  });

  test.each(['text/event-stream', 'application/x-ndjson'])(
    '%s ends in order: its last event tells whether it is the last',
    async (type) => {
      const { stub, origin } = await running();
      await using _ = stub;
      const head = `GET /invocations/a/events HTTP/${version}\r\nAccept: ${type}`;
      const cut = await cutAfter(origin, head, () => void stub.app.close());
      expect(cut.isWhole).toBe(true);
      expect(cut.text).not.toContain('finished');
    },
  );
});
