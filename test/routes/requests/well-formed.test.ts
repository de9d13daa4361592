import { expect, test } from 'vitest';
import { stubApp } from '../../helpers/stub-app.ts';

const HALF = '\ud83d';
const RUN = { runtime_kind: 'subprocess', command: ['true'] };

test.each([
  ['command.1', { command: ['echo', `a${HALF}b`] }],
  ['command.0', { command: ['\ude00'] }],
  ['environment.A', { environment: { A: HALF } }],
  ['environment', { environment: { [HALF]: 'a' } }],
  ['metadata.m', { metadata: { m: HALF } }],
  ['options.stdin', { options: { stdin: `${HALF}${HALF}\ude00` } }],
  ['options.artifacts.0', { options: { artifacts: [HALF] } }],
  ['options.docker.image', { runtime_kind: 'docker', options: { docker: { image: HALF } } }],
  ['working_directory', { working_directory: `/${HALF}` }],
  ['runtime_name', { runtime_name: HALF }],
  ['invocation_id', { invocation_id: HALF }],
])('half of a surrogate pair in %s is refused and named', async (path, part) => {
  await using stub = stubApp();
  const payload = JSON.stringify({ ...RUN, ...part });
  const headers = { 'content-type': 'application/json' };
  const response = await stub.app.inject({ method: 'POST', url: '/invocations', headers, payload });
  expect(response.statusCode).toBe(422);
  expect(response.json()).toMatchObject({ code: 'invalid_invocation', errors: [{ path }] });
});

test('whole pairs are taken everywhere', async () => {
  await using stub = stubApp();
  const payload = { ...RUN, command: ['true', '😀'], environment: { '😀': '😀' }, metadata: { '😀': '😀' } };
  const response = await stub.app.inject({ method: 'POST', url: '/invocations', payload });
  expect(response.statusCode).toBe(202);
});

test('a callback is taken whatever text is in it', async () => {
  await using stub = stubApp();
  await stub.start('a');
  const url = '/invocations/a/callback?token=good';
  const headers = { 'content-type': 'application/json' };
  const response = await stub.app.inject({ method: 'POST', url, headers, payload: JSON.stringify([HALF]) });
  expect(response.statusCode).toBe(204);
});
