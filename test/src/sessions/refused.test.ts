import { expect, test } from 'vitest';
import { z } from 'zod';
import { DockerSpec } from '../../../runners/docker/spec.ts';
import { HttpSpec } from '../../../runners/wire/spec.ts';
import { Rejected } from '../../../src/contract/outcome.ts';
import type { Runner } from '../../../src/contract/runner.ts';
import { exited, scripted } from '../../helpers/fake-runner.ts';
import { freshId, prepared, type SessionRoom, sessionRoom } from '../../helpers/session-room.ts';

/** A kind whose options are read by the engine, as those of the server are. */
function reading(spec: z.ZodType, more: Partial<Runner> = {}): Runner {
  const { parse: _, ...runner } = scripted(
    async ({ session }) => (session?.isSetup ? prepared() : exited()),
    {
      ...{ kind: 'written', spec, setsUp: true, needsCommand: true, ...more },
    },
  );
  return runner;
}

/** What was refused, and what is left of it. */
async function refused(room: SessionRoom, body: object) {
  const { status, body: told } = await room.ask('POST', '/sessions', { runtime_kind: 'written', ...body });
  await expect.poll(async () => (await room.built.get('/workspaces')).json().items).toEqual([]);
  expect((await room.ask('GET', '/sessions')).body.items).toEqual([]);
  expect((await room.built.get('/invocations')).json().items).toEqual([]);
  return [status, told.code, told.errors];
}

test('a session whose setup could only be rejected is refused by the fields, and nothing is made', async () => {
  await using room = sessionRoom(undefined, { runners: [reading(DockerSpec)] });
  const missing = { path: 'options.written.image', message: 'is missing: must be a string' };
  for (const body of [{}, { disable_setup: true }, { options: { written: { user: 'me' } } }])
    expect(await refused(room, body), JSON.stringify(body)).toEqual([422, 'invalid_field', [missing]]);
  const { status } = await room.ask('POST', '/sessions', {
    ...{ runtime_kind: 'written', options: { written: { image: 'debian' } } },
  });
  expect(status).toBe(201);
});

test('an invocation of the same kind is accepted without options, as any of RxP, and rejected', async () => {
  await using room = sessionRoom(undefined, { runners: [reading(DockerSpec)] });
  const { status, outcome } = await room.built.run({ runtime_kind: 'written', command: ['x'] });
  expect([status, outcome?.ended]).toEqual(['rejected', 'rejected']);
});

test('what a runner refuses in its own words is told too', async () => {
  const parse = (): never => {
    throw new Rejected('no such preset');
  };
  await using room = sessionRoom(undefined, {
    runners: [scripted(async () => exited(), { kind: 'written', setsUp: true, parse })],
  });
  expect(await refused(room, {})).toEqual([422, 'invalid_field', [{ path: '', message: 'no such preset' }]]);
});

test('options of a kind that sets nothing up may be completed by runs: what cannot be mended is refused', async () => {
  await using room = sessionRoom(undefined, { runners: [reading(HttpSpec, { setsUp: false })] });
  const { status } = await room.ask('POST', '/sessions', {
    ...{ runtime_kind: 'written', options: { written: { method: 'GET', retry: { on: ['5xx'] } } } },
  });
  expect(status).toBe(201);
  const bad = { written: { method: 5, urll: 'x' } };
  const answer = await room.ask('POST', '/sessions', { runtime_kind: 'written', options: bad });
  expect([answer.status, answer.body.code, answer.body.errors]).toEqual([
    422,
    'invalid_field',
    [
      { path: 'options.written.method', message: 'must be a string' },
      { path: 'options.written.urll', message: 'is not a known field' },
    ],
  ]);
});

test('a faulty field that was not sent is told with the environment spec that it comes from', async () => {
  const Spec = z
    .strictObject({ low: z.number().optional(), high: z.number().optional() })
    .refine(({ low = 0, high = 1 }) => low < high, { path: ['low'], error: 'must be below high' });
  await using room = sessionRoom(undefined, { runners: [reading(Spec)] });
  const name = freshId('spec');
  await room.built.specs.put(name, { runtime_kind: 'written', options: { written: { low: 5 } } });
  expect(await refused(room, { environment_spec: name, options: { written: { high: 3 } } })).toEqual([
    422,
    'invalid_field',
    [
      {
        path: 'options.written.low',
        message: `must be below high (it comes from the environment spec ${name}@1)`,
      },
    ],
  ]);
});
