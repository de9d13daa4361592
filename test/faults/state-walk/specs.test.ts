import { describe, expect } from 'vitest';
import type { EnvironmentSpec } from '../../../src/documents/environment-spec.ts';
import { exits, truth } from './programs.ts';
import type { Walk } from './run.ts';
import { WalkSuite } from './suite.ts';

type Answer = { status: number; body: Partial<EnvironmentSpec> & { items?: EnvironmentSpec[] } };

async function ask(walk: Walk, path: string, method = 'GET', body?: object): Promise<Answer> {
  const response = await fetch(`${walk.server.url}/environment-specs/${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
}

/** More than a page of the database, so that one half of it could be there alone. */
const specOf = (word: string) => ({
  runtime_kind: 'subprocess',
  environment: Object.fromEntries(Array.from({ length: 2000 }, (_, at) => [`V${at}`, `${word}-${at}`])),
});

async function versionsOf(walk: Walk, name: string): Promise<unknown[]> {
  const { items = [] } = (await ask(walk, `${name}/versions`)).body;
  return items.map(({ version, environment }) => [version, environment]);
}

/** Kill at the point while the request is on its way, and start again. */
async function killAt(walk: Walk, point: string, request: () => Promise<Answer>): Promise<Answer | null> {
  await walk.server.atRest();
  walk.server.killAt({ point });
  const answer = request().catch(() => null);
  await walk.server.killed();
  await walk.server.startUnlessUp();
  return answer;
}

describe('An environment spec whose server is killed', () => {
  const suite = new WalkSuite('The server was killed, with an environment spec:');
  const one = specOf('one');
  const two = specOf('two');

  for (const [point, isNew] of [
    ['spec not written', false],
    ['spec written', false],
    ['half a turn in the redo log', false],
    ['spec committed', true],
    ['not carried into the database', true],
    ['carried into the database', true],
    ['redo log cleared', true],
  ] as const)
    suite.try(`while a version is put, at "${point}", is the old or the new one`, async (walk) => {
      await walk.server.startUnlessUp();
      const name = walk.newId();
      expect((await ask(walk, name, 'PUT', one)).status).toBe(201);
      const answer = await killAt(walk, point, () => ask(walk, name, 'PUT', two));
      if (answer !== null) expect([answer.status, isNew]).toEqual([201, true]);
      const old = [1, one.environment];
      expect(await versionsOf(walk, name)).toEqual(isNew ? [[2, two.environment], old] : [old]);
      expect((await ask(walk, name)).body).toMatchObject(isNew ? two : one);
      // Sent again it is what it was to be, once.
      expect((await ask(walk, name, 'PUT', two)).status).toBe(isNew ? 200 : 201);
      expect(await versionsOf(walk, name)).toEqual([[2, two.environment], old]);
      walk.onTried(`PUT of a version: ${point}`, isNew ? 'the new one' : 'the old one, and may be put again');
    });

  for (const [point, isGone] of [
    ['spec removal not written', false],
    ['spec removal written', false],
    ['spec removal committed', true],
  ] as const)
    suite.try(`while it is deleted, at "${point}", is whole or gone`, async (walk) => {
      await walk.server.startUnlessUp();
      const name = walk.newId();
      for (const spec of [one, two]) await ask(walk, name, 'PUT', spec);
      await killAt(walk, point, () => ask(walk, name, 'DELETE'));
      const all = [
        [2, two.environment],
        [1, one.environment],
      ];
      expect(await versionsOf(walk, name)).toEqual(isGone ? [] : all);
      for (const path of [name, `${name}@1`]) expect((await ask(walk, path)).status).toBe(isGone ? 404 : 200);
      if (!isGone) expect((await ask(walk, name, 'DELETE')).status).toBe(204);
      expect((await ask(walk, name, 'PUT', one)).body.version).toBe(3);
      walk.onTried(`DELETE of a spec: ${point}`, isGone ? 'gone' : 'whole, and may be deleted again');
    });

  for (const point of ['spec dropped not written', 'spec dropped written', 'spec dropped committed'])
    suite.try(
      `while what nobody uses any more is dropped, at "${point}", is gone for clients`,
      async (walk) => {
        await walk.server.startUnlessUp();
        const [name, other, id] = [walk.newId(), walk.newId(), walk.newId()];
        await ask(walk, name, 'PUT', specOf('kept'));
        const held = { command: ['sleep', '60'], options: { environment_spec: name } };
        expect((await walk.server.post('/invocations', { invocation_id: id, ...held })).status).toBe(202);
        await ask(walk, name, 'DELETE');
        expect([(await ask(walk, name)).status, (await ask(walk, `${name}@1`)).status]).toEqual([404, 200]);
        await walk.server.post(`/invocations/${id}/cancel`);
        await fetch(`${walk.server.url}/invocations/${id}?wait=30`);
        await killAt(walk, point, () => ask(walk, other, 'PUT', one));
        expect((await ask(walk, `${name}@1`)).status).toBe(404);
        expect((await ask(walk, name, 'PUT', two)).body.version).toBe(2);
        walk.onTried(`a version that is not used any more: ${point}`, 'nobody sees it');
      },
    );
});

describe('A run of an environment spec whose server is killed', () => {
  const suite = new WalkSuite('The server was killed, with a run of an environment spec:');

  for (const point of [
    'insert committed',
    'half a turn in the redo log',
    'spawn not sent',
    'started',
    'result stored',
    'finished told',
  ])
    suite.try(`at "${point}" is run once, as both say, and its record tells the version`, async (walk) => {
      const absent = point === 'half a turn in the redo log';
      await walk.server.startUnlessUp();
      const name = walk.newId();
      const { body, wrote } = exits(2);
      const { command, runtime_kind } = body as { command: string[]; runtime_kind: string };
      const { body: spec } = await ask(walk, name, 'PUT', { runtime_kind, entry: { command } });
      const { record } = await walk.step({
        point,
        said: `run of a spec: ${point}`,
        body: { options: { environment_spec: name } },
        wrote,
        expected: absent ? 'absent' : truth,
      });
      expect(record.environment_spec).toEqual({ name, version: 1, digest: spec.digest });
      expect(record.invocation).toMatchObject({ command, options: { environment_spec: `${name}@1` } });
    });

  suite.restartOnceMore();
});
