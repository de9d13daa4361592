import { expect, test } from 'vitest';
import { addressGuard } from '../../../src/outbound/address-guard.ts';
import { postWebhook } from '../../../src/outbound/signed-post.ts';
import { answer, jsonAnswer, startRawBackend } from '../../fixtures/raw-backend.ts';
import { call, response, stdout, summary } from '../http/scene.ts';
import { stdout as outputOf, run } from '../http-async/scene.ts';

const filled = ['Set-Cookie: a=b; Path=/', `X-Long: ${'x'.repeat(20_000)}`];

test('a header that is folded over lines is one: a redirect, a job and its polls are read, however they are cut', async () => {
  await using raw = await startRawBackend();
  const folded = ['X-Note: one', '\ttwo', 'Location:', '  /there'];
  raw.on('/', [answer(302, folded)]);
  raw.on('/there', [...answer(200, folded, 'a\r\n b')]);
  const record = await call({ url: raw.url });
  expect([record.status, stdout(record)]).toEqual(['succeeded', 'a\r\n b']);
  expect(response(record).headers).toMatchObject({ 'x-note': 'one   two', location: '/there' });

  raw.on('/jobs', [answer(202, ['Location:', ' /jobs/a1'])]);
  raw.on(
    '/jobs/a1',
    [jsonAnswer(200, '{"status":"running"}', folded)],
    [...jsonAnswer(200, '{"status":"completed"}', folded)],
  );
  const job = await run({ url: `${raw.url}/jobs`, poll_url_template: undefined });
  expect([job.status, outputOf(job)]).toEqual(['succeeded', '{"status":"completed"}']);
  expect(raw.seen.filter(({ line }) => line.includes(' /jobs ')).length).toBe(1);
});

test.each([
  ['longer than 16 KiB', filled],
  ['with 3000 headers', Array.from({ length: 3000 }, (_, n) => `A${n}: b`)],
  ['that says the same header 40,000 times', Array.from({ length: 40_000 }, () => 'A: b')],
  ['with 3000 cookies', Array.from({ length: 3000 }, (_, n) => `Set-Cookie: a${n}=b`)],
])(
  'a head %s is read to its end: the job is polled where it says, a result is delivered once',
  async (_name, lines) => {
    await using raw = await startRawBackend();
    raw.on('/jobs', [answer(202, [...lines, 'Location: /jobs/a1'])]);
    raw.on('/jobs/a1', [jsonAnswer(200, '{"status":"completed"}', lines)]);
    const job = await run({ url: `${raw.url}/jobs`, poll_url_template: undefined });
    expect([job.status, summary(job)]).toEqual(['succeeded', '']);
    raw.on('/hook', [answer(503, [...lines, 'Retry-After: 7'])]);
    const signal = AbortSignal.timeout(20_000);
    const hook = { url: `${raw.url}/hook`, headers: {}, body: '{}', guard: addressGuard(), signal };
    expect(await postWebhook(hook)).toEqual({ status: 503, retryAfter: ['7'] });
  },
);

test('a head that has no end is refused', async () => {
  await using raw = await startRawBackend();
  raw.on('/', [`HTTP/1.1 200 X\r\n${'name: some value\r\n'.repeat(60_000)}`]);
  expect(summary(await call({ url: raw.url }))).toContain('the response headers are too large');
});
