import fs, { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { readConfig } from '../../src/config.ts';
import type { Runner } from '../../src/contract/runner.ts';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import { createService } from '../../src/service.ts';
import { buildApp } from '../helpers/build-app.ts';
import { exited, scripted } from '../helpers/fake-runner.ts';

const own = (more: Partial<Runner>): Runner => scripted(async () => exited(), { name: 'My own', ...more });

test.each([
  [{ kind: 'subprocess' }, '"Subprocess" of kind subprocess', 'runtime_kind subprocess'],
  [{ kind: 'box', aliases: ['container'] }, '"Docker" of kind docker', 'runtime_kind container'],
  [{ kind: 'box', optionKey: 'http' }, '"HTTP" of kind http', 'options.http'],
])('a runner of %j does not take the place of a built-in one: nothing starts', async (more, other, word) => {
  const parent = mkdtempSync(join(tmpdir(), 'runwire-test-'));
  const dataDir = join(parent, 'data');
  const kind = more.kind;
  await expect(buildApp({ dataDir, runners: [own(more)] })).rejects.toThrow(
    `the runner ${other} and the runner "My own" of kind ${kind} cannot both have ${word}`,
  );
  expect(existsSync(dataDir)).toBe(false);
  rmSync(parent, { recursive: true });
});

test("a runner of the embedding program is told when runs are known and when the server stops, by its kind's own options", async () => {
  const calls: string[] = [];
  const runner = scripted(
    async ({ spec, output }) => {
      output.write('stdout', Buffer.from(JSON.stringify(spec)));
      return exited();
    },
    {
      kind: 'own-kind',
      optionKey: 'own',
      spec: z.strictObject({ count: z.number().default(7) }),
      start: (isUnfinished) => void calls.push(`started, ${isUnfinished('nobody')}`),
      close: () => void calls.push('closed'),
    },
  );
  const { parse: _, ...parsedByDefault } = runner;
  const app = await buildApp({ runners: [parsedByDefault] });
  expect(calls).toEqual(['started, false']);
  const post = (options: object) =>
    app.app.inject({
      method: 'POST',
      url: '/invocations?wait=20',
      payload: { runtime_kind: 'own-kind', options },
    });
  const record = (await post({ own: {} })).json() as RunRecord;
  expect(record).toMatchObject({ status: 'succeeded', invocation: { options: { own: {} } } });
  const id = record.invocation.invocation_id;
  expect((await app.app.inject(`/invocations/${id}/stdout`)).body).toBe('{"count":7}');
  expect((await post({ own: { cuont: 1 } })).json().errors).toEqual([
    { path: 'options.own.cuont', message: 'is not a known field' },
  ]);
  expect((await post({ 'own-kind': {} })).json().errors).toEqual([
    { path: 'options.own-kind', message: 'is not a known field here: it belongs at options.own' },
  ]);
  // Options of another kind are kept with the rest: they are what its schema says.
  expect((await post({ docker: { no: 'image' } })).json().errors[0].path).toBe('options.docker.image');
  expect((await post({ docker: { image: 'x' } })).json()).toMatchObject({ status: 'succeeded' });
  await app.end();
  expect(calls).toEqual(['started, false', 'closed']);
});

test('a kind that nobody has is rejected, and its options are known to nobody', async () => {
  const app = await buildApp();
  const run = await app.run({ runtime_kind: 'unknown' });
  expect(run).toMatchObject({ status: 'rejected', result: { runtime_kind: 'unknown' } });
  expect(run.result?.error_summary).toContain('no runner for runtime_kind "unknown"');
  const payload = { runtime_kind: 'unknown', options: { unknown: {}, subprocess: {} } };
  const { statusCode, body } = await app.app.inject({ method: 'POST', url: '/invocations', payload });
  expect(statusCode).toBe(422);
  expect(JSON.parse(body).errors.map(({ path }: { path: string }) => path)).toEqual([
    'options.unknown',
    'options.subprocess',
  ]);
  await app.end();
});

test('files of secrets are private wherever they are, and a root of mounts that holds one or the data is warned of', async () => {
  using home = fs.mkdtempDisposableSync(join(tmpdir(), 'runwire-service-'));
  const at = (name: string) => join(home.path, name);
  for (const name of ['fine', 'keys', 'work']) fs.mkdirSync(at(name));
  fs.writeFileSync(at('keys/secrets.json'), '{}');
  fs.writeFileSync(at('keys/key.pem'), 'key');
  fs.writeFileSync(at('keys/token'), 'a-token-of-some-length');
  for (const name of ['secrets.json', 'key.pem', 'token'])
    fs.linkSync(at(`keys/${name}`), at(`work/linked-${name}`));
  fs.writeFileSync(at('work/made'), 'made');
  let lines = '';
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines += chunk;
      done();
    },
  });
  const { config } = readConfig({
    RUNWIRE_MIN_FREE_DISK_BYTES: '0',
    RUNWIRE_DATA_DIR: at('data'),
    RUNWIRE_SECRETS_FILE: at('keys/secrets.json'),
    RUNWIRE_TOKEN_FILE: at('keys/token'),
    DOCKER_CERT_PATH: at('keys'),
    RUNWIRE_DOCKER_MOUNT_ROOTS: [at('fine'), at('keys'), home.path, at('absent')].join(),
  });
  const service = await createService({ config, environment: process.env, log: pino(sink) });
  try {
    const warned = lines.split('\n').filter((line) => line.includes('RUNWIRE_DOCKER_MOUNT_ROOTS'));
    expect(warned.map((line) => JSON.parse(line).root)).toEqual([at('keys'), home.path, at('absent')]);
    expect(warned.at(-1)).toContain('there is no such directory');
    const response = await service.app.inject({
      method: 'POST',
      url: '/invocations?wait=50',
      headers: { authorization: 'Bearer a-token-of-some-length' },
      payload: {
        runtime_kind: 'subprocess',
        command: ['true'],
        working_directory: at('work'),
        artifact_directory: '.',
      },
    });
    const { result, outcome } = response.json();
    expect(result.artifacts.slice(2).map(({ description }: { description: string }) => description)).toEqual([
      'made',
    ]);
    expect(outcome.omitted).toHaveLength(3);
  } finally {
    await service.close('quit');
  }
});
