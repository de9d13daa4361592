import { afterEach, beforeEach } from 'vitest';
import { type BuiltApp, buildApp } from '../../helpers/build-app.ts';
import { post, Worker } from '../../helpers/worker.ts';

export const TOKEN = { authorization: 'Bearer the-token-of-the-server' };

/** A server with a token and small limits, and a worker that has a claim there: anew for each test of the file that imports this. */
export let app: BuiltApp;
export let server: string;
export let worker: Worker;

beforeEach(async () => {
  app = await buildApp({
    config: {
      RUNWIRE_TOKEN: 'the-token-of-the-server',
      RUNWIRE_MAX_BODY_BYTES: '10000',
      RUNWIRE_MAX_ARTIFACT_BYTES: '200000',
      RUNWIRE_MAX_ARTIFACTS_BYTES: '300000',
      RUNWIRE_MAX_ARTIFACTS_COUNT: '3',
    },
  });
  server = await app.listen();
  worker = await fresh();
});
afterEach(() => app.end());

/** Claims another run. */
export async function fresh(lease_seconds = 60): Promise<Worker> {
  await post(`${server}/invocations`, { runtime_kind: 'manual' }, TOKEN);
  const claimed = await Worker.claim(server, { lease_seconds }, TOKEN);
  if (claimed === null) throw new Error('no run came');
  return claimed;
}

export const url = (name: string, id = worker.id) => `${server}/invocations/${id}/${name}`;
export const get = async (name: string) => {
  const response = await fetch(url(name), { headers: TOKEN });
  return Buffer.from(await response.arrayBuffer());
};
export const send = (body: string | Buffer<ArrayBuffer>, type: string) =>
  fetch(url('events'), {
    method: 'POST',
    headers: { ...worker.authorization, 'content-type': type },
    body,
  });
