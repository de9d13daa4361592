import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { stubApp } from '../../helpers/stub-app.ts';

// That nothing piles up is what test/helpers/fail-on-warnings.ts looks at: Node warns of the eleventh listener.

test('many requests that wait on one connection leave no more listeners on it than one', async () => {
  await using stub = stubApp();
  const { hostname, port } = new URL(await stub.listen());
  await stub.start('a');
  const socket = connect(Number(port), hostname);
  const request = `GET /invocations/a?wait=60 HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`;
  socket.write(request.repeat(40));
  await expect.poll(() => stub.engine.holding('a').waits).toBe(1); // one is worked on
  stub.engine.finish('a');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  await expect.poll(() => text.split('HTTP/1.1 200 OK').length).toBe(41);
  socket.destroy();
});

test('so do streams, and what was sent behind one is let go with a client that leaves', async () => {
  await using stub = stubApp();
  const { hostname, port } = new URL(await stub.listen());
  await stub.start('a');
  const socket = connect(Number(port), hostname);
  const request = (path: string) => `GET /invocations/a${path} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`;
  socket.write(
    request('/events') + request('?wait=60').repeat(40) + request('/output?follow=true').repeat(40),
  );
  await expect.poll(() => stub.engine.holding('a')).toEqual({ waits: 0, readers: 1 });
  socket.destroy();
  await once(socket, 'close');
  await expect.poll(() => stub.engine.holding('a')).toEqual({ waits: 0, readers: 0 });
});
