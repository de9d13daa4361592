import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { createService } from '../../src/service.ts';

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
    expect(warned.map((line) => JSON.parse(line).root)).toEqual([at('keys'), home.path]);
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
