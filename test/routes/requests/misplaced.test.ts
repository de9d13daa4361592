import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BuiltApp, buildApp } from '../../helpers/build-app.ts';

let built: BuiltApp;
beforeAll(async () => {
  built = await buildApp();
});
afterAll(() => built.end());

const PROGRAM = { runtime_kind: 'subprocess', command: ['true'] };
const SETUP = { commands: ['true'] };

test.each([
  ['POST', '/invocations', { ...PROGRAM, setup: SETUP }, 'setup: … it belongs at options.setup'],
  [
    'POST',
    '/invocations',
    { runtime_kind: 'docker', options: { docker: { image: 'x', setup_command: 'true' } } },
    'options.docker.setup_command: … it belongs at options.setup_command',
  ],
  [
    'POST',
    '/invocations',
    { ...PROGRAM, ttl_seconds: 1 },
    'ttl_seconds: … it is one of a session or a workspace',
  ],
  [
    'POST',
    '/sessions',
    { runtime_kind: 'docker', image: 'debian' },
    'image: … it belongs at options.docker.image',
  ],
  ['POST', '/sessions', { runtime_kind: 'subprocess', setup: SETUP }, 'setup: … it belongs at options.setup'],
  [
    'POST',
    '/sessions',
    { runtime_kind: 'docker', options: { docker: { image: 'x', environment: {} } } },
    'options.docker.environment: … it belongs at environment',
  ],
  [
    'PUT',
    '/environment-specs/misplaced',
    { runtime_kind: 'docker', options: { docker: { entry: {} } } },
    'options.docker.entry: … it belongs at entry',
  ],
  ['POST', '/workspaces', { snapshot: 'x' }, 'snapshot: … it belongs at from.snapshot'],
] as const)('%s %s %j: %s', async (method, url, payload, expected) => {
  const response = await built.app.inject({ method, url, payload });
  const { detail, errors } = response.json() as {
    detail: string;
    errors: { path: string; message: string }[];
  };
  const [{ path, message } = { path: '', message: '' }] = errors ?? [];
  expect([response.statusCode, `${path}: ${message.replace('is not a known field here:', '…')}`]).toEqual([
    422,
    expected,
  ]);
  expect(detail).toBe(`${path}: ${message}`);
});
