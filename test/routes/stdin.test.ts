import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { expect, test } from 'vitest';
import { stubApp } from '../helpers/stub-app.ts';

test.each(['application/octet-stream', 'application/json', 'text/plain', undefined])(
  'a body of type %s goes to standard input as it is',
  async (type) => {
    await using stub = stubApp();
    await stub.start('a');
    const headers = type === undefined ? {} : { 'content-type': type };
    const payload = Buffer.from('{"not json\xff\0');
    const response = await stub.app.inject({ method: 'POST', url: '/invocations/a/stdin', headers, payload });
    expect([response.statusCode, response.body]).toEqual([204, '']);
    expect(stub.engine.stdinOf('a')).toEqual({ bytes: payload, closed: false });
  },
);

test('?eof=true closes standard input, also without a body', async () => {
  await using stub = stubApp();
  await stub.start('a');
  const post = (query: string, payload?: string) =>
    stub.app.inject({ method: 'POST', url: `/invocations/a/stdin${query}`, ...(payload && { payload }) });
  await post('?eof=false', 'one');
  expect(stub.engine.stdinOf('a').closed).toBe(false);
  expect((await post('?eof=true')).statusCode).toBe(204);
  expect(stub.engine.stdinOf('a')).toEqual({ bytes: Buffer.from('one'), closed: true });
  const late = await post('', 'two');
  expect(late.statusCode).toBe(409);
  expect(late.json()).toMatchObject({ code: 'stdin_closed' });
});

test('a body longer than JSON may be arrives whole, chunk by chunk', async () => {
  await using stub = stubApp({ maxBodyBytes: 1000 });
  const origin = await stub.listen();
  await stub.start('a');
  const sending = request(`${origin}/invocations/a/stdin`, { method: 'POST' });
  const hash = createHash('sha256');
  sending.write('first');
  hash.update('first');
  await expect.poll(() => stub.engine.stdinOf('a').bytes.toString()).toBe('first');
  for (let count = 0; count < 50; count++) {
    const block = Buffer.alloc(65_536, count);
    hash.update(block);
    if (!sending.write(block)) await once(sending, 'drain');
  }
  sending.end();
  const [response] = (await once(sending, 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(204);
  expect(createHash('sha256').update(stub.engine.stdinOf('a').bytes).digest('hex')).toBe(hash.digest('hex'));
});

test('a client that sends much to a run that takes nothing still gets its answer', async () => {
  await using stub = stubApp();
  const origin = await stub.listen();
  await stub.start('a');
  stub.engine.finish('a');
  const response = await fetch(`${origin}/invocations/a/stdin`, {
    method: 'POST',
    body: Buffer.alloc(8 * 1024 * 1024),
  });
  expect(response.status).toBe(409);
  expect(await response.json()).toMatchObject({ code: 'not_running' });
});

test('a client that breaks off leaves standard input open', async () => {
  await using stub = stubApp();
  const origin = await stub.listen();
  await stub.start('a');
  const sending = request(`${origin}/invocations/a/stdin?eof=true`, { method: 'POST' });
  sending.on('error', () => {});
  sending.write('half');
  await expect.poll(() => stub.engine.stdinOf('a').bytes.toString()).toBe('half');
  sending.destroy();
  await expect.poll(() => connections(stub.app.server)).toBe(0);
  expect(stub.engine.stdinOf('a').closed).toBe(false);
  expect(stub.logged).toEqual([]);
});

function connections(server: {
  getConnections(done: (error: Error | null, count: number) => void): unknown;
}) {
  return new Promise<number>((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
}
