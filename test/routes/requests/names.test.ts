import { expect, test } from 'vitest';
import { buildApp } from '../../helpers/build-app.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

test('names with escapes come back as they were sent, also after others with a backslash', async () => {
  const built = await buildApp();
  try {
    const url = await built.listen();
    for (const names of ['"at":"1","\\\\":"2"', '"at":"1","\\"":"2"', '"at":"1","\\n":"2"']) {
      const run = `"runtime_kind":"subprocess","command":["env"],"metadata":{${names}},"environment":{${names}}`;
      const answer = await fetch(`${url}/invocations?wait=10`, {
        method: 'POST',
        headers: JSON_TYPE,
        body: `{${run}}`,
      });
      const text = await answer.text();
      expect(answer.status, text).toBe(200);
      expect(text).toContain(`"metadata":{${names}}`);
      expect(text).toContain(`"environment":{${names}}`);
    }
  } finally {
    await built.end();
  }
});

test.each([
  ['/invocations', 'application/json', '{"metadata":{"\\u005f_proto__":{}}}'],
  ['/invocations', 'application/json', '{"metadata":{"a":[{"__proto__":1}]}}'],
  ['/invocations', 'application/json', '{"metadata":{"constr\\u0075ctor":{"prototype":1}}}'],
  ['/invocations/of-a-worker/events', 'application/x-ndjson', '{"type":"progress","data":{"__proto__":1}}\n'],
])('a name that could poison a prototype is refused: %s %s %s', async (path, type, body) => {
  const built = await buildApp();
  try {
    const url = await built.listen();
    await fetch(`${url}/invocations`, {
      method: 'POST',
      headers: JSON_TYPE,
      body: '{"runtime_kind":"manual","invocation_id":"of-a-worker"}',
    });
    const { claim } = (await (await fetch(`${url}/manual/claims`, { method: 'POST' })).json()) as {
      claim: { token: string };
    };
    const worker = path.endsWith('events') ? { authorization: `Bearer ${claim.token}` } : {};
    const answer = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': type, ...worker },
      body,
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      code: 'malformed_json',
      detail: 'The keys __proto__ and constructor.prototype are not taken.',
    });
  } finally {
    await built.end();
  }
});
