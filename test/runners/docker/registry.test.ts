import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, type Backend, json, reset, startBackend, status } from '../../fixtures/backend.ts';
import { DockerServer } from '../../helpers/docker/server.ts';
import { requires } from '../../helpers/require.ts';

/** What a registry says of an image that it does not give (OCI distribution, error codes). */
const refusal = (code: number, word: string, message: string): Answer =>
  json({ errors: [{ code: word, message }] }, code);

const REJECTED = { status: 'rejected', outcome: { ended: 'rejected', started: false } };
/** It never began, and may be otherwise a little later. */
const PASSING = { status: 'failed', outcome: { ended: 'never_started', started: false, retry_safe: true } };

requires('docker')('A registry', () => {
  let docker: DockerServer;
  let registry: Backend;
  beforeAll(async () => {
    docker = await DockerServer.on();
    registry = await startBackend();
    registry.on('/v2/', json({}));
  });
  afterAll(async () => {
    await docker?.end();
    await registry?.[Symbol.asyncDispose]();
  });

  const pull = (name: string) =>
    docker.run(['true'], { image: `${registry.url.replace('http://', '')}/${name}:latest` });

  test.each([
    ['does not know the tag', refusal(404, 'MANIFEST_UNKNOWN', 'manifest unknown'), REJECTED],
    ['does not know the image', refusal(404, 'NAME_UNKNOWN', 'repository name not known'), REJECTED],
    ['knows us not', refusal(401, 'UNAUTHORIZED', 'authentication required'), REJECTED],
    ['does not let us', refusal(403, 'DENIED', 'requested access to the resource is denied'), REJECTED],
    ['is overloaded', status(503), PASSING],
    ['has trouble', refusal(500, 'UNKNOWN', 'unknown error'), PASSING],
    ['breaks off', reset(), PASSING],
  ])('that %s', async (name, said, expected) => {
    const image = name.replaceAll(' ', '-');
    registry.on(`/v2/${image}/manifests/latest`, said);
    const record = await pull(image);
    expect(record, record.result?.error_summary ?? '').toMatchObject(expected);
    expect(record.result?.error_summary).toContain(`/${image}:latest cannot be pulled: `);
    docker.nothingLeft(record);
  });

  test('that is not there, by address or by name', async () => {
    for (const image of ['127.0.0.1:9/none:latest', 'registry.invalid/none:latest']) {
      const record = await docker.run(['true'], { image });
      expect(record, image).toMatchObject(PASSING);
      docker.nothingLeft(record);
    }
  });
});
