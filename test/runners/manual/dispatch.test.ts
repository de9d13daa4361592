import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  DISPATCH_SCHEDULE,
  type DispatchContext,
  type DispatchedRun,
  dispatchRun,
} from '../../../runners/manual/dispatch.ts';
import type { PostClaim } from '../../../runners/manual/post.ts';
import { Rejected, type RunnerOutcome } from '../../../src/contract/outcome.ts';
import type { Claimed } from '../../../src/documents/claim.ts';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { sign } from '../../../src/outbound/signature.ts';
import { type BuiltApp, buildApp } from '../../helpers/build-app.ts';
import { CrashingServer } from '../../helpers/crashing-server.ts';
import { codeOf, post, Worker } from '../../helpers/worker.ts';

interface Delivery {
  headers: IncomingMessage['headers'];
  body: string;
  claimed: Claimed;
}

/** A worker's address. `answers` are given in turn, the last one for ever. */
class Doorstep {
  readonly deliveries: Delivery[] = [];
  answers: (number | ((response: ServerResponse) => void))[] = [204];
  onDelivery: (delivery: Delivery) => void = () => {};
  readonly #server = createServer(async (request, response) => {
    const body = (await buffer(request)).toString();
    const delivery = { headers: request.headers, body, claimed: JSON.parse(body) as Claimed };
    const answer = this.answers[Math.min(this.deliveries.length, this.answers.length - 1)] ?? 204;
    this.deliveries.push(delivery);
    this.onDelivery(delivery);
    if (typeof answer === 'function') answer(response);
    else response.writeHead(answer).end();
  });

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/runs?key=hidden`;
  }

  next(count: number): Promise<Delivery> {
    const at = count - 1;
    return expect
      .poll(() => this.deliveries[at], { timeout: 30_000 })
      .toBeDefined()
      .then(() => {
        const delivery = this.deliveries[at];
        if (!delivery) throw new Error('no delivery');
        return delivery;
      });
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

let app: BuiltApp;
let server: string;
let door: Doorstep;
let url: string;
beforeEach(async () => {
  app = await buildApp({
    environment: { PATH: process.env.PATH, RUNWIRE_SECRET_WORKERS: 'whsec_c2VjcmV0IGtleSBvZiB3b3JrZXJz' },
    dispatchers: {
      echo: async ({ metadata }, { output }) => {
        output.write('stdout', Buffer.from(metadata.say ?? ''));
        return { status: 'succeeded', metadata: { said: metadata.say ?? '' } };
      },
      broken: async () => {
        throw new Error('out of order');
      },
      picky: async () => {
        throw new Rejected('not mine');
      },
      mute: async () => ({}) as never,
    },
  });
  server = await app.listen();
  door = new Doorstep();
  url = await door.open();
});
afterEach(async () => {
  door.close();
  await app.end();
});

const manual = (spec: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  runtime_kind: 'manual',
  ...more,
  options: { manual: spec },
});

async function submit(invocation: Record<string, unknown>, address = server): Promise<string> {
  const { status, body } = await post<RunRecord>(`${address}/invocations`, invocation);
  if (status !== 202) throw new Error(JSON.stringify(body));
  return body.invocation.invocation_id;
}

async function finished(id: string): Promise<RunRecord> {
  await app.engine.waitFinished(id, 30_000);
  return app.engine.record(id);
}

test('a run is POSTed to its worker with a claim, signed, and completed at the addresses in it', async () => {
  const id = await submit(
    manual(
      { dispatch_url: url, dispatch_secret: 'WORKERS' },
      {
        metadata: { page: '7' },
      },
    ),
  );
  const { headers, body, claimed } = await door.next(1);
  expect(claimed.invocation).toMatchObject({ invocation_id: id, metadata: { page: '7' } });
  expect(headers['content-type']).toBe('application/json');
  const [messageId, timestamp] = [String(headers['webhook-id']), String(headers['webhook-timestamp'])];
  expect(headers['webhook-signature']).toBe(
    sign('whsec_c2VjcmV0IGtleSBvZiB3b3JrZXJz', messageId, timestamp, body),
  );
  expect(claimed.claim.urls.completion).toBe(`${server}/invocations/${id}/completion`);
  expect(await Worker.claim(server)).toBeNull();
  const worker = new Worker('', claimed);
  expect((await worker.events([{ type: 'stdout', text: 'pushed' }])).status).toBe(200);
  expect((await worker.complete({ status: 'succeeded' })).status).toBe(200);
  expect((await finished(id)).status).toBe('succeeded');
});

test('a POST that fails is made again with the same claim and id', async () => {
  door.answers = [503, (response) => response.destroy(), 202];
  const id = await submit(manual({ dispatch_url: url }));
  await door.next(3);
  const [first, second, third] = door.deliveries;
  expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
  expect(third?.claimed.claim.token).toBe(first?.claimed.claim.token);
  expect(third?.headers['webhook-signature']).toBeUndefined();
  await new Worker('', (third ?? first)?.claimed as Claimed).complete({ status: 'succeeded' });
  expect((await finished(id)).status).toBe('succeeded');
});

test('a worker that says when it has time is asked again then, by a date too, however often it says it', async () => {
  const times: number[] = [];
  door.onDelivery = () => void times.push(performance.now());
  const in3s = () => new Date(Date.now() + 3000).toUTCString();
  door.answers = [
    (response) => response.writeHead(429, { 'retry-after': in3s() }).end(),
    (response) => response.writeHead(503, ['retry-after', '3', 'retry-after', '3']).end(),
    204,
  ];
  await submit(manual({ dispatch_url: url }));
  await door.next(3);
  const [first = 0, second = 0, third = 0] = times;
  expect(second - first).toBeGreaterThan(1900); // a date has no fractions; else it is a second
  expect(third - second).toBeGreaterThan(2900); // else it is two
});

test('a worker that reports before it answers has taken the run', async () => {
  door.answers = [() => {}];
  door.onDelivery = ({ claimed }) => void new Worker('', claimed).complete({ status: 'succeeded' });
  const id = await submit(manual({ dispatch_url: url }));
  expect((await finished(id)).status).toBe('succeeded');
  expect(door.deliveries).toHaveLength(1);
});

test('a worker that does not answer in time is told of as such', async () => {
  const ended = Promise.withResolvers<RunnerOutcome>();
  const ctx = {
    spec: { dispatch_url: url, lease_seconds: 60 },
    signal: new AbortController().signal,
    callbackUrl: () => `${server}/invocations/a/callback`,
  };
  const run = {
    claim: () => ({ invocation: { invocation_id: 'a' }, claim: { token: 't', attempt: 1 } }),
    end: ended.resolve,
  };
  const never: PostClaim = ({ signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  await dispatchRun(ctx as DispatchContext, run as unknown as DispatchedRun, never, {
    ...DISPATCH_SCHEDULE,
    tries: 1,
    timeoutMs: 20,
  });
  expect(await ended.promise).toMatchObject({
    ended: 'lost',
    errorSummary: expect.stringMatching(/: 127\.0\.0\.1:\d+ gave no answer$/),
  });
});

test('a worker that refuses ends the run, safe to try again, without its address in the words', async () => {
  door.answers = [422];
  const { result, outcome } = await finished(await submit(manual({ dispatch_url: url })));
  expect(result).toMatchObject({ status: 'failed', error_summary: expect.stringContaining('answered 422') });
  expect(result?.error_summary).not.toContain('hidden');
  expect(outcome).toMatchObject({ ended: 'never_started', started: false, retry_safe: true });
  expect(door.deliveries).toHaveLength(1);
});

test('a lost lease is a new claim, POSTed anew', async () => {
  const id = await submit(manual({ dispatch_url: url, lease_seconds: 0.3 }));
  const first = await door.next(1);
  const second = await door.next(2);
  expect([first.claimed.claim.attempt, second.claimed.claim.attempt]).toEqual([1, 2]);
  expect(second.headers['webhook-id']).not.toBe(first.headers['webhook-id']);
  expect(codeOf(await new Worker('', first.claimed).complete({ status: 'succeeded' }))).toBe('claim_lost');
  await new Worker('', second.claimed).complete({ status: 'succeeded' });
  expect((await finished(id)).status).toBe('succeeded');
});

test('an address that the server may not call is refused, and so is a secret it does not hold', async () => {
  const metadata = await finished(await submit(manual({ dispatch_url: 'http://169.254.169.254/run' })));
  expect(metadata.result).toMatchObject({
    status: 'rejected',
    error_summary: expect.stringContaining('options.manual.dispatch_url'),
  });
  const { result } = await finished(await submit(manual({ dispatch_url: url, dispatch_secret: 'OTHER' })));
  expect(result).toMatchObject({
    status: 'rejected',
    error_summary: expect.stringContaining('options.manual.dispatch_secret'),
  });
  expect(door.deliveries).toHaveLength(0);
});

test('cancelling a run that is being POSTed ends it', async () => {
  door.answers = [503];
  const id = await submit(manual({ dispatch_url: url }));
  await door.next(1);
  await post(`${server}/invocations/${id}/cancel`, {});
  expect((await finished(id)).status).toBe('cancelled');
});

test('a crash between the POST and its answer makes a new claim; the old one is fenced off', async () => {
  const crashing = new CrashingServer();
  try {
    await crashing.start();
    door.answers = [() => {}, 204];
    const id = await submit(manual({ dispatch_url: url, max_attempts: 1 }), crashing.url);
    const first = await door.next(1);
    await crashing.crash();
    await crashing.start();
    const second = await door.next(2);
    expect(second.claimed.claim).toMatchObject({ attempt: 1 });
    expect(second.claimed.claim.token).not.toBe(first.claimed.claim.token);
    const old = { ...first.claimed.claim, urls: second.claimed.claim.urls };
    const late = await new Worker('', { ...first.claimed, claim: old }).complete({ status: 'failed' });
    expect(codeOf(late)).toBe('claim_lost');
    expect((await new Worker('', second.claimed).complete({ status: 'succeeded' })).status).toBe(200);
    const record = (await (await fetch(`${crashing.url}/invocations/${id}?wait=20`)).json()) as RunRecord;
    expect(record.status).toBe('succeeded');
  } finally {
    await crashing.end();
  }
});

test('a dispatcher of the embedding program does the run', async () => {
  const { result } = await app.run(manual({ dispatcher: 'echo' }, { metadata: { say: 'hello' } }));
  expect(result).toMatchObject({ status: 'succeeded', metadata: { said: 'hello' } });
  expect((await app.app.inject(`/invocations/${result?.invocation_id}/stdout`)).body).toBe('hello');
});

test.each([
  ['broken', 'failed', 'out of order'],
  ['picky', 'rejected', 'not mine'],
  ['mute', 'failed', 'gave no completion: completion.status must be succeeded,'],
  ['absent', 'rejected', 'there is no dispatcher "absent"'],
])('a dispatcher that is %s makes the run %s', async (name, status, words) => {
  const { result } = await app.run(manual({ dispatcher: name }));
  expect(result).toMatchObject({ status, error_summary: expect.stringContaining(words) });
});

test.each([
  [{ lease: 3 }, 'options.manual.lease'],
  [{ lease_seconds: 0 }, 'options.manual.lease_seconds'],
  [{ dispatch_url: 'ftp://x' }, 'options.manual.dispatch_url'],
  [{ dispatch_url: 'http://x', dispatcher: 'echo' }, 'options.manual.dispatcher'],
  [{ dispatch_secret: 'WORKERS' }, 'options.manual.dispatch_secret'],
])('a malformed spec %j is refused by name', async (spec, path) => {
  const { status, body } = await post<{ errors: { path: string }[] }>(`${server}/invocations`, manual(spec));
  expect([status, body.errors[0]?.path]).toEqual([422, path]);
});
