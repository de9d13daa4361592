import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type StubApp, stubApp } from '../../helpers/stub-app.ts';
import { SlowClient } from './socket.ts';

/** Short, so that tests end; whoever must stay is watched for several of it. */
const PATIENCE_S = 1;
const MIB = 1024 * 1024;

interface Listening extends StubApp {
  port: number;
}

async function listening(): Promise<Listening> {
  const stub = stubApp({ stalledClientSeconds: PATIENCE_S });
  return Object.assign(stub, { port: Number(new URL(await stub.listen()).port) });
}

/** More than the system takes for a client that does not read. */
async function longRun(stub: StubApp, id = 'a', mebibytes = 16): Promise<void> {
  await stub.start(id);
  for (let n = 0; n < mebibytes * 16; n++) stub.engine.write(id, 'stdout', Buffer.alloc(64 * 1024, 'x'));
}

async function droppedBy(stub: StubApp): Promise<number> {
  const { body } = await stub.app.inject('/metrics');
  return Number(/^runwire_stalled_clients_total (\d+)$/m.exec(body)?.[1]);
}

const ignore = (): void => {};

test.each(['events', 'stdout', 'stdout?follow=true', 'output', 'artifacts/a1'])(
  'a client that takes nothing of %s is dropped and counted, and nothing is held for it any more',
  async (path) => {
    await using stub = await listening();
    await longRun(stub);
    stub.engine.addArtifact('a', 'big', Buffer.alloc(16 * MIB));
    if (path !== 'stdout?follow=true') stub.engine.finish('a');
    const client = new SlowClient({ port: stub.port, path: `/invocations/a/${path}` }, ignore);
    await expect.poll(() => droppedBy(stub), { timeout: 20_000 }).toBe(1);
    await expect.poll(() => stub.engine.holding('a').readers).toBe(0);
    expect((await stub.app.inject('/metrics')).body).toContain('\nrunwire_open_streams 0\n');
    expect(await client.read().ended).toBe(false);
  },
);

test('so is one that takes nothing of an answer that is no stream', async () => {
  await using stub = await listening();
  for (let n = 0; n < 24; n++)
    await stub.engine.submit({
      runtime_kind: 'subprocess',
      command: ['hold', 'x'.repeat(MIB)],
      invocation_id: `run-${n}`,
    }).stored;
  new SlowClient({ port: stub.port, path: '/invocations?limit=1000' }, ignore);
  await expect.poll(() => droppedBy(stub), { timeout: 20_000 }).toBe(1);
});

test('one that reads slowly is not dropped, however long it takes', async () => {
  await using stub = await listening();
  await longRun(stub);
  stub.engine.finish('a');
  const client = new SlowClient({ port: stub.port, path: '/invocations/a/events' }, ignore);
  // What the system holds of it for the client lasts for many times the patience: the server writes nothing meanwhile.
  for (let taken = 0; taken < 2 * MIB; taken += 128 * 1024) {
    client.read(taken);
    await sleep(PATIENCE_S * 400);
  }
  expect(await droppedBy(stub)).toBe(0);
  expect(await client.read().ended).toBe(true);
  expect(client.taken).toBeGreaterThan(16 * MIB);
}, 60_000);

test('one for which there is nothing to read is not dropped, and gets what comes later', async () => {
  await using stub = await listening();
  await stub.start('a');
  const paths = ['events', 'stdout?follow=true'];
  const open = async (path: string): Promise<IncomingMessage> => {
    const [response] = await once(get(`http://127.0.0.1:${stub.port}/invocations/a/${path}`), 'response');
    return response as IncomingMessage;
  };
  const answers = await Promise.all(paths.map(open));
  const waiting = fetch(`http://127.0.0.1:${stub.port}/invocations/a?wait=60`);
  await sleep(PATIENCE_S * 4000);
  stub.engine.write('a', 'stdout', 'late');
  stub.engine.finish('a');
  for (const answer of answers) {
    let text = '';
    for await (const part of answer.setEncoding('utf8')) text += part;
    expect(text).toContain('late');
  }
  expect(await (await waiting).json()).toMatchObject({ status: 'succeeded' });
  expect(await droppedBy(stub)).toBe(0);
});

test('who was dropped comes again with Last-Event-ID and has every event once', async () => {
  await using stub = await listening();
  await longRun(stub);
  let text = '';
  const take = (part: Buffer): void => {
    text += part.toString('latin1');
  };
  const first = new SlowClient({ port: stub.port, path: '/invocations/a/events' }, take).read(3 * MIB);
  await expect.poll(() => droppedBy(stub), { timeout: 20_000 }).toBe(1);
  stub.engine.finish('a');
  expect(await first.read().ended).toBe(false);
  text = text.slice(0, text.lastIndexOf('\n\n') + 2);
  const seen =
    text
      .match(/^id: \d+$/gm)
      ?.at(-1)
      ?.slice(4) ?? '';
  expect(Number(seen)).toBeGreaterThan(40);
  const headers = { 'last-event-id': seen };
  await new SlowClient({ port: stub.port, path: '/invocations/a/events', headers }, take).read().ended;
  const all = (await stub.app.inject('/invocations/a/events')).body;
  expect(text === all).toBe(true);
});
