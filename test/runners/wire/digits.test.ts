import { expect, test } from 'vitest';
import { type Backend, startBackend, status } from '../../fixtures/backend.ts';
import { buildApp } from '../../helpers/build-app.ts';

const NUMBERS = '[9007199254740993,1.10,1e400,-0,0.1e-7,123456789012345678901234567890,1]';
const POSTED = { method: 'POST', headers: { 'content-type': 'application/json' } };

async function withServer(use: (url: string, backend: Backend) => Promise<void>): Promise<void> {
  await using backend = await startBackend();
  const built = await buildApp();
  try {
    await use(await built.listen(), backend);
  } finally {
    await built.end();
  }
}

async function post(url: string, text: string): Promise<string> {
  const answer = await fetch(`${url}/invocations?wait=20`, { ...POSTED, body: text });
  expect(answer.status, await answer.clone().text()).toBe(200);
  return answer.text();
}

test('digits of a body and of a query are sent, and shown, as they came', async () => {
  await withServer(async (url, backend) => {
    backend.on('/', status(200));
    const options = `{"url":"${backend.url}","body":{"n":${NUMBERS}},"query":{"id":9007199254740993,"v":[1.10,2]}}`;
    const record = await post(url, `{"runtime_kind":"http","options":{"http":${options}}}`);
    expect(backend.seen[0]?.body).toBe(`{"n":${NUMBERS}}`);
    expect(backend.seen[0]?.path).toBe('/?id=9007199254740993&v=1.10&v=2');
    expect(record).toContain(`"body":{"n":${NUMBERS}}`);
    expect(record).toContain('"query":{"id":9007199254740993,"v":[1.10,2]}');
  });
});

test('so are those of a form, of one number, and of metadata', async () => {
  await withServer(async (url, backend) => {
    backend.on('/', status(200));
    const bodies = [
      `"options":{"http":{"url":"${backend.url}","body":{"a":9007199254740993,"b":[1.0,"x"]},"body_format":"form"}}`,
      `"options":{"http":{"url":"${backend.url}","body":9007199254740993}}`,
      `"metadata":{"http.url":"${backend.url}","http.body":"{\\"a\\":9007199254740993}"}`,
      `"options":{"http":{"url":"${backend.url}","body":{"a":1.10}}},"metadata":{"http.body":"{\\"a\\":1.10}"}`,
    ];
    for (const body of bodies) await post(url, `{"runtime_kind":"http",${body}}`);
    expect(backend.seen.map(({ body }) => body)).toEqual([
      'a=9007199254740993&b=1.0&b=x',
      '9007199254740993',
      '{"a":9007199254740993}',
      '{"a":1.10}',
    ]);
  });
});

test('two bodies that differ in a digit are two bodies', async () => {
  await withServer(async (url, backend) => {
    backend.on('/', status(200));
    const text = (digits: string) =>
      `{"invocation_id":"one","runtime_kind":"http","options":{"http":{"url":"${backend.url}","body":${digits}}}}`;
    await post(url, text('9007199254740993'));
    const again = await fetch(`${url}/invocations`, { ...POSTED, body: text('9007199254740993') });
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
    expect((await fetch(`${url}/invocations`, { ...POSTED, body: text('9007199254740992') })).status).toBe(
      409,
    );
  });
});

test('numbers of all other options are numbers, however they are written', async () => {
  await withServer(async (url, backend) => {
    backend.on('/', status(200));
    const record = await post(
      url,
      `{"runtime_kind":"http","timeout_seconds":1.50e1,"options":{"kill_grace_seconds":2.0,"http":{"url":"${backend.url}","follow_redirects":1.0}}}`,
    );
    expect(JSON.parse(record)).toMatchObject({
      status: 'succeeded',
      invocation: { timeout_seconds: 15, options: { http: { follow_redirects: 1 } } },
    });
  });
});
