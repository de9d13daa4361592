import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { tarOf } from '../../helpers/asset-room.ts';
import { buildEngine, type TestEngine } from '../../helpers/build-engine.ts';
import { newRow } from '../../helpers/documents.ts';

const token = 'a-long-enough-token';
const authorization = `Bearer ${token}`;
const FINISHED = { status: 'succeeded', finishedAt: 2, result: '{}', outcome: '{}', outputBytes: 0 } as const;
const AT = { code: 'invalid_field', path: '' } as const;

/** A server with a token, two assets, and a run; the address of the first for it, as a path. */
async function addressed() {
  const engine = buildEngine({ config: { RUNWIRE_TOKEN: token } });
  const [name, other] = [`a-${randomUUID().slice(0, 8)}`, `b-${randomUUID().slice(0, 8)}`];
  const put = (path: string, payload: string | Buffer, type = 'text/plain') =>
    engine.request({
      method: 'PUT',
      url: `/assets/${path}`,
      payload,
      headers: { authorization, 'content-type': type },
    });
  await put(name, 'one');
  await put(name, 'two');
  await put(`${other}?extract=true`, await tarOf([{ name: 'dir/file', text: 'inner' }]));
  const run = `r-${randomUUID()}`;
  const createdAt = Date.now();
  engine.store.insert({ ...newRow(run), createdAt });
  const address = (asset: string, version?: number, id = run) => {
    const resolved = engine.assets.resolve({ name: asset, version }, AT);
    const { pathname, search } = new URL(engine.assets.address(resolved, { id, createdAt }));
    return `${pathname}${search}`;
  };
  return { engine, name, other, run, address };
}

const ask = async (engine: TestEngine, url: string, headers: Record<string, string> = {}) => {
  const { statusCode, body, json } = await engine.request({ url, headers });
  return statusCode < 300 ? [statusCode, body] : [statusCode, json().code];
};

test('who has a signed address reads the version that it names, without a token', async () => {
  const { engine, name, other, address } = await addressed();
  await using _ = engine;
  expect(await ask(engine, address(name, 1))).toEqual([200, 'one']);
  expect(await ask(engine, address(name))).toEqual([200, 'two']);
  expect(await ask(engine, address(name, 1), { range: 'bytes=1-' })).toEqual([206, 'ne']);
  const head = await engine.request({ method: 'HEAD', url: address(name, 1) });
  expect([head.statusCode, head.headers['content-length']]).toEqual([200, '3']);
  const tar = await engine.request({ url: address(other) });
  expect([tar.statusCode, tar.headers['content-type']]).toEqual([200, 'application/x-tar']);
  expect(await ask(engine, `${address(other)}&path=dir/file`)).toEqual([200, 'inner']);
});

test('an address that was changed in anything, or made up, is 403, with the token or without', async () => {
  const { engine, name, other, run, address } = await addressed();
  await using _ = engine;
  engine.store.insert(newRow('another'));
  const good = address(name, 1);
  const [path = '', query = ''] = good.split('?');
  const signature = new URLSearchParams(query).get('signature') ?? '';
  for (const url of [
    good.replace('@1', '@2'),
    good.replace('@1', ''),
    good.replace('@1', '@9'),
    good.replace(name, other),
    good.replace(run, 'another'),
    good.replace(run, 'nobody'),
    good.replace(/expires=\d/, 'expires=9'),
    good.replace(/.$/, (last) => (last === 'A' ? 'E' : 'A')),
    `${path}?signature=${signature}`,
    `${path}?run=${run}&signature=${signature}`,
    `${good}=`,
    `${path}?run=${run}&expires=${2 ** 31}&signature=x`,
    `/assets/unknown@1/content?${query}`,
  ])
    for (const headers of [{}, { authorization }])
      expect([url, ...(await ask(engine, url, headers))]).toEqual([url, 403, 'bad_signature']);
  // What is left of one is none, with the token too.
  for (const url of [good.replace(/&signature=.*/, ''), `${path}?run=${run}`]) {
    expect(await ask(engine, url)).toEqual([401, 'unauthorized']);
    expect(await ask(engine, url, { authorization })).toEqual([403, 'bad_signature']);
  }
  for (const url of [`${good}&signature=x`, good.replace(/expires=\d+/, 'expires=never')])
    expect([url, ...(await ask(engine, url))]).toEqual([url, 400, 'bad_request']);
});

test('without a signature or a token nothing is given, and a signature opens nothing else', async () => {
  const { engine, name, address } = await addressed();
  await using _ = engine;
  const [, query = ''] = address(name, 1).split('?');
  for (const url of [
    `/assets/${name}/content`,
    `/assets/${name}@1/content?run=x&expires=1`,
    '/assets/nope/content',
  ])
    expect([url, ...(await ask(engine, url))]).toEqual([url, 401, 'unauthorized']);
  for (const path of [
    '/assets',
    `/assets/${name}`,
    `/assets/${name}@1`,
    `/assets/${name}/versions`,
    '/invocations',
  ])
    expect([path, ...(await ask(engine, `${path}?${query}`))]).toEqual([path, 401, 'unauthorized']);
  for (const method of ['PUT', 'DELETE'] as const)
    expect((await engine.request({ method, url: `/assets/${name}@1?${query}` })).statusCode).toBe(401);
  expect(await ask(engine, `/assets/${name}@1/content`, { authorization })).toEqual([200, 'one']);
});

test('it is over with the run, and when it was deleted and its id is used again', async () => {
  const { engine, name, run, address } = await addressed();
  await using _ = engine;
  const good = address(name, 1);
  engine.store.finish(run, FINISHED);
  for (const headers of [{}, { authorization }])
    expect(await ask(engine, good, headers)).toEqual([403, 'address_expired']);
  engine.store.remove(run);
  expect(await ask(engine, good)).toEqual([403, 'bad_signature']);
  engine.store.insert(newRow(run, { createdAt: 2 }));
  expect(await ask(engine, good)).toEqual([403, 'bad_signature']);
});

test('an address of a version that was deleted is 404, and its query is in no answer', async () => {
  const { engine, name, address } = await addressed();
  await using _ = engine;
  const good = address(name, 1);
  await engine.request({ method: 'DELETE', url: `/assets/${name}@1`, headers: { authorization } });
  const { body, statusCode } = await engine.request({ url: good });
  expect([statusCode, body.includes('signature=')]).toEqual([404, false]);
});
