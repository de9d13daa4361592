import { expect, test } from 'vitest';
import { PROBLEM_TYPE } from '../../routes/answers/problem.ts';
import { stubApp } from '../helpers/stub-app.ts';

const FILE = '/docs/static/swagger-ui.css';

test.each([
  '/docs/static/nope',
  '/docs/static/%2e%2e%2fpackage.json',
  '/docs/static/a%2f..%2f..%2fx',
  '/docs/static/..%5cx',
  '/docs/static//swagger-ui.css',
  '/docs/static/%2f',
  '/docs/static/.hidden',
  '/docs/static/swagger-ui.css%20',
  '/docs/static/',
])('%s is no file of the documentation: a problem, 404, to every method that there is', async (url) => {
  await using stub = stubApp();
  for (const method of ['GET', 'HEAD'] as const) {
    const { statusCode, headers, body } = await stub.app.inject({ method, url });
    expect([statusCode, headers['content-type']]).toEqual([404, PROBLEM_TYPE]);
    if (method === 'GET') expect(JSON.parse(body)).toMatchObject({ code: 'not_found', instance: url });
  }
});

test('what a file of the documentation cannot fulfil is told as anywhere else', async () => {
  await using stub = stubApp();
  const whole = await stub.app.inject(FILE);
  const size = Number(whole.headers['content-length']);
  const beyond = await stub.app.inject({ url: FILE, headers: { range: `bytes=${size}-` } });
  expect([beyond.statusCode, beyond.headers['content-type']]).toEqual([416, PROBLEM_TYPE]);
  expect(beyond.headers['content-range']).toBe(`bytes */${size}`);
  expect(beyond.json()).toMatchObject({ code: 'range_not_satisfiable', status: 416 });
  const changed = await stub.app.inject({ url: FILE, headers: { 'if-match': '"another"' } });
  expect([changed.statusCode, changed.headers['content-type']]).toEqual([412, PROBLEM_TYPE]);
  expect(changed.json()).toMatchObject({ code: 'precondition_failed', status: 412 });
  const posted = await stub.app.inject({ method: 'POST', url: '/docs/static/nope' });
  expect([posted.statusCode, posted.headers.allow]).toEqual([405, 'GET, HEAD']);
});

test('what a plugin finds missing is a problem in every scope', async () => {
  await using stub = stubApp();
  stub.app.register(async (scope) => {
    scope.get('/of-a-plugin', { config: { access: 'open' } }, (_request, reply) => reply.callNotFound());
  });
  const { statusCode, headers, body } = await stub.app.inject('/of-a-plugin');
  expect([statusCode, headers['content-type']]).toEqual([404, PROBLEM_TYPE]);
  expect(JSON.parse(body)).toMatchObject({ code: 'not_found' });
});
