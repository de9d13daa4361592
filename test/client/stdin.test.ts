import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { Runwire } from '../../client/runwire.ts';
import { clientServer, sh, TOKEN } from '../helpers/client-server.ts';

const server = clientServer();

test('a program that takes its time is no server that does not answer', async () => {
  const rw = new Runwire({ url: server.url, token: TOKEN, answerSeconds: 0.2 });
  const run = await rw.submit(sh('sleep 2; wc -c', { stdin_open: true }));
  await run.writeStdin(new Uint8Array(300_000)); // more than a pipe holds
  await run.closeStdin();
  expect((await run.text()).trim()).toBe('300000');
});

test('a stream of many small parts arrives as it was', async () => {
  const sent = createHash('sha256');
  async function* parts() {
    for (let n = 0; n < 3000; n++) {
      const part = Buffer.from(`${n} `.repeat(n % 100));
      sent.update(part);
      if (n % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      yield part;
    }
  }
  const run = await server.rw.submit(sh('sha256sum', { stdin_open: true }));
  await run.writeStdin(parts());
  await run.closeStdin();
  expect(await run.text()).toBe(`${sent.digest('hex')}  -\n`);
});

test('a stream that fails is told of when all before has been sent', async () => {
  async function* parts() {
    yield Buffer.from('before');
    throw new Error('the source broke');
  }
  const run = await server.rw.submit(sh('cat', { stdin_open: true }));
  await expect(run.writeStdin(parts())).rejects.toThrow('the source broke');
  await run.closeStdin();
  expect(await run.text()).toBe('before');
});
