import { expect, test } from 'vitest';
import { httpRunner } from '../../../runners/http/runner.ts';
import type { Runner } from '../../../src/contract/runner.ts';
import { addressGuard } from '../../../src/outbound/address-guard.ts';
import { status } from '../../fixtures/backend.ts';
import { buildEngine } from '../../helpers/build-engine.ts';
import { noPlaces } from '../../helpers/no-places.ts';
import { backend, secrets } from '../http/scene.ts';

test('rules of the server decide where calls go, by address and by name, at connect', async () => {
  backend.on('/', status(200));
  const guard = addressGuard({ deny: ['127.0.0.0/8', '::1'], allow: ['localhost'] });
  await using strict = buildEngine({ runners: [httpRunner({ guard, secrets, places: noPlaces }) as Runner] });
  const run = (url: string) => strict.run({ runtime_kind: 'http', options: { http: { url } } });
  expect((await run(backend.url)).status).toBe('rejected');
  expect((await run(backend.url.replace('127.0.0.1', 'localhost'))).status).toBe('succeeded');
  const named = addressGuard({ deny: ['localhost'] });
  await using byName = buildEngine({
    runners: [httpRunner({ guard: named, secrets, places: noPlaces }) as Runner],
  });
  const denied = await byName.run({
    runtime_kind: 'http',
    options: { http: { url: backend.url.replace('127.0.0.1', 'LOCALHOST') } },
  });
  expect(denied.status).toBe('rejected');
});

test('a name that resolves to a denied address is refused at connect', async () => {
  const guard = addressGuard({ deny: ['127.0.0.0/8', '::1'] });
  await using strict = buildEngine({ runners: [httpRunner({ guard, secrets, places: noPlaces }) as Runner] });
  const url = backend.url.replace('127.0.0.1', 'localhost');
  const record = await strict.run({ runtime_kind: 'http', options: { http: { url } } });
  expect(record).toMatchObject({ status: 'rejected', outcome: { retry_safe: true } });
  expect(backend.seen).toEqual([]);
});
