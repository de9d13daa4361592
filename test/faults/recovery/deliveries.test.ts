import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sign } from '../../../src/outbound/signature.ts';
import { recoveringServer } from '../recovering.ts';

const SECRET = 'whsec_c2VjcmV0IGtleSBvZiB0aGUgaG9vaw==';

interface Post {
  headers: IncomingHttpHeaders;
  body: string;
}

/** A receiver of results. `answers` are given in turn, the last one for ever. */
const posts: Post[] = [];
let answers: ((response: ServerResponse) => void)[] = [];
const receiver = createServer(async (request, response) => {
  const body = (await buffer(request)).toString();
  const answer = answers[Math.min(posts.length, answers.length - 1)];
  posts.push({ headers: request.headers, body });
  answer?.(response);
});
const agree = (response: ServerResponse): void => void response.writeHead(204).end();
const later = (response: ServerResponse): void => void response.writeHead(503).end();
const silence = (): void => {};

const server = recoveringServer();
beforeEach(async () => {
  posts.length = 0;
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  receiver.closeAllConnections();
  receiver.close();
});

function submit(script: string): Promise<string> {
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  const on_finish = { url, secret: SECRET };
  return server().submit({
    runtime_kind: 'subprocess',
    command: ['sh', '-c', script],
    options: { on_finish },
  });
}

const delivery = async (id: string) => (await server().record(id)).on_finish;
const posted = (count: number) => expect.poll(() => posts.length, { timeout: 40_000 }).toBe(count);
const delivered = (id: string) =>
  expect.poll(async () => (await delivery(id))?.state, { timeout: 40_000 }).toBe('delivered');

/** All posts are of one message, signed as their time says, and have the stored result. */
async function expectOneMessage(id: string): Promise<void> {
  const ids = new Set(posts.map(({ headers }) => headers['webhook-id']));
  expect(ids.size).toBe(1);
  const result = await server().text(`/invocations/${id}/result`);
  for (const { headers, body } of posts) {
    expect(body).toBe(result);
    const messageId = String(headers['webhook-id']);
    const timestamp = String(headers['webhook-timestamp']);
    expect(headers['webhook-signature']).toBe(sign(SECRET, messageId, timestamp, body));
  }
}

test('the result of a run that ends after the crash is delivered, with the secret of the first server', async () => {
  answers = [agree];
  const id = await submit('echo up; sleep 1; exit 3');
  await server().wrote(id, 'up');
  await server().restart(1500);
  await delivered(id);
  expect(posts).toHaveLength(1);
  await expectOneMessage(id);
  expect(await delivery(id)).toMatchObject({ attempts: 1, last_status: 204 });
});

test('a delivery that was under way is made again, under the same webhook-id', async () => {
  answers = [silence, agree];
  const id = await submit('echo out');
  await posted(1);
  expect(await delivery(id)).toMatchObject({ state: 'pending', attempts: 0 });
  await server().restart();
  await delivered(id);
  await expectOneMessage(id);
  expect(posts).toHaveLength(2);
});

test('between two attempts the wait goes on where it was, and the attempts are counted on', async () => {
  answers = [later, agree];
  const id = await submit('echo out');
  await posted(1);
  await expect.poll(async () => (await delivery(id))?.attempts, { timeout: 20_000 }).toBe(1);
  const due = Date.parse((await delivery(id))?.next_attempt_at ?? '');
  await server().restart();
  await posted(2);
  expect(Date.now()).toBeGreaterThanOrEqual(due);
  await delivered(id);
  expect(await delivery(id)).toMatchObject({ attempts: 2, last_status: 204 });
  await expectOneMessage(id);
});

test('a delivery that came due while no server lived is made at the next start', async () => {
  answers = [later, agree];
  const id = await submit('echo out');
  await posted(1);
  await expect.poll(async () => (await delivery(id))?.attempts, { timeout: 20_000 }).toBe(1);
  const due = Date.parse((await delivery(id))?.next_attempt_at ?? '');
  await server().crash();
  await sleep(due - Date.now());
  await server().start();
  await delivered(id);
  expect(posts).toHaveLength(2);
});

test('when the server dies with the answer in its hands, the result comes at least once and is settled once', async () => {
  let dying: Promise<void> = Promise.resolve();
  answers = [
    (response) => {
      agree(response);
      dying = server().crash();
    },
    agree,
  ];
  const id = await submit('echo out');
  await posted(1);
  await dying;
  await server().start();
  await delivered(id);
  await sleep(500);
  expect(posts.length).toBeLessThanOrEqual(2);
  await expectOneMessage(id);
  const settled = posts.length;
  await server().restart();
  await sleep(500);
  expect(posts).toHaveLength(settled);
});

test('a delivery that is settled is not made again', async () => {
  answers = [agree];
  const id = await submit('echo out');
  await delivered(id);
  await server().restart();
  await sleep(500);
  expect(posts).toHaveLength(1);
});
