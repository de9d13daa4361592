import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { startRetention } from '../../src/retention/retention.ts';
import { buildEngine, type EngineTestOptions, type TestEngine } from '../helpers/build-engine.ts';
import { exited, fake, heldRunner, scripted } from '../helpers/fake-runner.ts';
import { descriptorsOf } from '../helpers/processes.ts';
import { outputOf, parseEvents } from '../helpers/run-events.ts';
import { SlowClient } from './slow-clients/socket.ts';

const MIB = 1024 * 1024;

async function listening(options: EngineTestOptions): Promise<{ port: number; server: TestEngine }> {
  const server = buildEngine(options);
  await server.app.listen({ host: '127.0.0.1', port: 0 });
  return { server, port: (server.app.server.address() as { port: number }).port };
}

const retain = (server: TestEngine, count: number) =>
  startRetention({
    store: server.store,
    count,
    intervalMs: 5,
    removeRun: (id) => server.engine.remove(id, 'retention'),
    isBusy: (id) => server.engine.isRead(id),
  });

test('under load no run that goes on or is being read is removed, and every reader has it all or is told that it was removed', async () => {
  const held = heldRunner();
  const { server, port } = await listening({
    runners: [held.runner],
    config: { RUNWIRE_MAX_CONCURRENT: '64' },
  });
  const agent = new Agent({ keepAlive: true });
  const ask = async (method: string, path: string, body?: unknown): Promise<IncomingMessage> => {
    const headers = { accept: 'application/x-ndjson, application/json', 'content-type': 'application/json' };
    const asked = httpRequest({ port, host: '127.0.0.1', method, path, headers, agent });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    return response;
  };
  const textOf = async (response: IncomingMessage): Promise<string> => {
    let text = '';
    for await (const part of response.setEncoding('utf8')) text += part;
    if (!response.complete) throw new Error('an answer was cut short');
    return text;
  };

  const going = ['held-1', 'held-2', 'held-3'];
  for (const id of going) await server.post({ runtime_kind: 'held', invocation_id: id });
  const followers = going.map(async (id) => textOf(await ask('GET', `/invocations/${id}/events`)));
  const told = { complete: 0, removed: 0, accepted: 0 };

  /** Reads the events of a run at some time after it was made: all of them, or that it was removed. */
  const readLater = async (id: string, logs: string, ms: number, slow: boolean): Promise<void> => {
    await sleep(ms);
    const response = await ask('GET', `/invocations/${id}/events`);
    if (response.statusCode === 410) {
      const problem = JSON.parse(await textOf(response)) as { code: string; detail: string };
      expect(problem).toMatchObject({ code: 'invocation_removed' });
      expect(problem.detail).toContain('removed by retention');
      told.removed++;
      return;
    }
    expect(response.statusCode).toBe(200);
    if (slow) await sleep(50); // in the midst of its answer
    const events = parseEvents(await textOf(response));
    expect(events.at(-1)?.type).toBe('finished');
    expect(outputOf(events, 'stdout').toString() === logs).toBe(true);
    told.complete++;
  };

  const before = descriptorsOf(process.pid).length;
  const retention = retain(server, 10);
  const reading: Promise<void>[] = [];
  const began = performance.now();
  const isEnough = (): boolean => {
    const ms = performance.now() - began;
    return ms >= 60_000 || (ms >= 4000 && told.complete > 20 && told.removed > 20);
  };
  const submit = async (worker: number): Promise<void> => {
    for (let n = 0; !isEnough(); n++) {
      const id = `run-${worker}-${n}`;
      // Some are larger than what one read of a file brings.
      const logs = Array.from(
        { length: n % 7 === 0 ? 40 : 2 },
        (_, at) => `${id} ${at} ${'x'.repeat(9000)}\n`,
      );
      const made = await ask('POST', '/invocations?wait=20', fake({ logs }, { invocation_id: id }));
      expect(made.statusCode).toBe(200);
      await textOf(made);
      told.accepted++;
      reading.push(readLater(id, logs.join(''), [0, 1, 5, 40, 300][n % 5] ?? 0, n % 3 === 0));
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, worker) => submit(worker)));
  await Promise.all(reading);
  for (const id of going) held.release(id);
  for (const text of await Promise.all(followers)) expect(parseEvents(text).at(-1)?.type).toBe('finished');
  await expect.poll(() => server.store.finishedTotals().count, { timeout: 20_000 }).toBeLessThanOrEqual(10);
  await retention.stop();

  expect(told.complete + told.removed).toBe(told.accepted);
  expect(told.complete).toBeGreaterThan(20);
  expect(told.removed).toBeGreaterThan(20);
  // What was removed has left nothing: no files, no descriptors.
  const left = server.engine.list({ limit: 1000 }).items.length;
  expect(readdirSync(join(server.dataDir, 'runs')).length).toBeLessThanOrEqual(left);
  expect(readdirSync(join(server.dataDir, 'discarded'))).toEqual([]);
  agent.destroy();
  await expect.poll(() => descriptorsOf(process.pid).length).toBeLessThanOrEqual(before + 5);
  await server[Symbol.asyncDispose]();
}, 120_000);

/** A finished run of 12 MiB in both streams, and an artifact; more than the system takes for a client that does not read. */
async function longRun(): Promise<{ port: number; server: TestEngine; stdout: string }> {
  const block = Buffer.alloc(64 * 1024, 'o');
  const runner = scripted(async ({ output, workingDirectory }) => {
    for (let n = 0; n < 12 * 16; n++) output.write('stdout', block);
    output.write('stderr', Buffer.from('the last word'));
    writeFileSync(join(workingDirectory, 'big'), Buffer.alloc(12 * MIB, 'a'));
    return exited();
  });
  const { server, port } = await listening({ runners: [runner] });
  await server.run({ runtime_kind: 'scripted', invocation_id: 'a', options: { artifacts: ['big'] } });
  const stdout = createHash('sha256');
  for (let n = 0; n < 12 * 16; n++) stdout.update(block);
  return { server, port, stdout: stdout.digest('hex') };
}

const discarded = ({ dataDir }: TestEngine): string[] => readdirSync(join(dataDir, 'discarded'));

describe('a run that is deleted while an answer is under way', () => {
  test.each(['events', 'output', 'stdout', 'artifacts/big'])(
    '%s comes to its end, and then the files go',
    async (what) => {
      const { server, port } = await longRun();
      const artifact = server.engine.artifacts('a').at(-1)?.artifact_id;
      const path = `/invocations/a/${what === 'artifacts/big' ? `artifacts/${artifact}` : what}`;
      const whole = (await server.get(path)).rawPayload;
      const before = descriptorsOf(process.pid).length;
      const hash = createHash('sha256');
      const client = new SlowClient({ port, path }, (part) => hash.update(part)).read(MIB);
      await expect.poll(() => client.taken).toBeGreaterThan(MIB / 2);
      await sleep(1500); // by now the server has let go of what it had read for this client

      expect((await server.request({ method: 'DELETE', url: '/invocations/a' })).statusCode).toBe(204);
      expect((await server.get('/invocations/a')).json()).toMatchObject({
        code: 'invocation_removed',
        detail: expect.stringContaining('was deleted at '),
      });
      expect(discarded(server)).toHaveLength(1);
      // The id is free, and its new run is another.
      await server.run(fake({ logs: ['new'] }, { invocation_id: 'a' }));

      await client.read().ended;
      expect(client.taken).toBe(whole.length);
      expect(hash.digest('hex')).toBe(createHash('sha256').update(whole).digest('hex'));
      await expect.poll(() => discarded(server)).toEqual([]);
      expect((await server.get('/invocations/a/stdout')).body).toBe('new');
      await expect.poll(() => descriptorsOf(process.pid).length).toBeLessThanOrEqual(before);
      await server[Symbol.asyncDispose]();
    },
  );
});

test('retention passes over a run whose reader takes nothing, until that reader has gone', async () => {
  const { server, port } = await longRun();
  const client = new SlowClient({ port, path: '/invocations/a/events' }, () => {});
  await expect.poll(() => server.engine.isRead('a')).toBe(true);
  const retention = retain(server, 0);
  await server.run(fake({}, { invocation_id: 'b' }));
  await expect.poll(() => server.engine.has('b')).toBe(false);
  await sleep(1500); // the reader has nothing open any more
  expect([server.engine.has('a'), server.engine.isRead('a')]).toEqual([true, true]);
  client.socket.destroy();
  await expect.poll(() => server.engine.has('a'), { timeout: 10_000 }).toBe(false);
  await retention.stop();
  await server[Symbol.asyncDispose]();
});

test('who resumes a run that was removed is told so, also by the next server, and not when the id is new again', async () => {
  const server = buildEngine();
  for (const id of ['by-hand', 'by-age', 'again'])
    await server.run(fake({ logs: ['x'] }, { invocation_id: id }));
  await server.request({ method: 'DELETE', url: '/invocations/by-hand' });
  await server.engine.remove('by-age', 'retention');
  await server.engine.remove('again', 'retention');
  await server.run(fake({ logs: ['y'] }, { invocation_id: 'again' }));

  const next = buildEngine({ dataDir: await server.crash() });
  const resume = (id: string, accept: string) =>
    next.get(`/invocations/${id}/events`, { 'last-event-id': '3', accept });
  for (const accept of ['text/event-stream', 'application/x-ndjson']) {
    for (const [id, words] of [
      ['by-hand', 'was deleted at '],
      ['by-age', 'was removed by retention at '],
    ] as const) {
      const response = await resume(id, accept);
      expect([response.statusCode, response.headers['content-type']]).toEqual([
        410,
        'application/problem+json',
      ]);
      expect(response.json().detail).toContain(words);
    }
    expect((await resume('again', accept)).statusCode).toBe(200);
    expect((await resume('never', accept)).json().code).toBe('invocation_not_found');
  }
  await next[Symbol.asyncDispose]();
});
