import { hash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect } from 'vitest';
import type { Asset } from '../../../src/documents/asset.ts';
import { tarOf } from '../../helpers/asset-room.ts';
import { until } from '../../helpers/processes.ts';
import type { Walk } from './run.ts';
import { WalkSuite } from './suite.ts';

type Answer = { status: number; body: Partial<Asset> & { items?: Asset[] }; text: string };

const JSON_TYPE = 'application/json';

async function ask(
  walk: Walk,
  path: string,
  method = 'GET',
  body?: Buffer | ReadableStream,
  type = 'text/plain',
): Promise<Answer> {
  const response = await fetch(`${walk.server.url}/assets/${path}`, {
    method,
    ...(body && { body, duplex: 'half', headers: { 'content-type': type } }),
  } as RequestInit);
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return { status: response.status, body: isJson ? JSON.parse(text) : {}, text };
}

/** Of each version: its number, and what it has when it is read. */
async function versionsOf(walk: Walk, name: string): Promise<unknown[]> {
  const { items = [] } = (await ask(walk, `${name}/versions`)).body;
  const read = async ({ version, digest, type }: Asset) => {
    const { text } = await ask(walk, `${name}@${version}/content${type === 'file' ? '' : '?path=d/f'}`);
    if (type === 'file') expect(hash('sha256', text)).toBe(digest);
    return [version, text];
  };
  return Promise.all(items.map(read));
}

/** Nothing is left of what was never whole, and once contents were swept only those of versions are there. */
async function expectNothingLeft({ server }: Walk): Promise<void> {
  const left = (): string[] =>
    ['contents/coming', 'contents/new', 'uploads', 'assets/gone', 'assets/trees']
      .map((place) => join(server.dataDir, place))
      .flatMap((place) => (existsSync(place) ? readdirSync(place) : []));
  await until(() => left().length === 0, 'nothing is left');
}

function contentsOf({ server }: Walk): string[] {
  const place = join(server.dataDir, 'contents');
  const names = existsSync(place) ? readdirSync(place, { recursive: true }).map(String) : [];
  return names.filter((name) => /\/[0-9a-f]{64}$/.test(name)).map((name) => name.slice(3));
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

describe('An asset whose server is killed', () => {
  const suite = new WalkSuite('The server was killed, with an asset:');
  const one = Buffer.from('one');

  for (const [point, isNew] of [
    ['asset come, not kept', false],
    ['asset kept', false],
    ['asset not written', false],
    ['asset written', false],
    ['half a turn in the redo log', false],
    ['asset committed', true],
    ['not carried into the database', true],
    ['carried into the database', true],
    ['redo log cleared', true],
  ] as const)
    suite.try(`while a version is put, at "${point}", has the old or the new one, whole`, async (walk) => {
      await walk.server.startUnlessUp();
      const name = walk.newId();
      // Nobody has these bytes yet.
      const two = Buffer.from(name.repeat(10_000));
      expect((await ask(walk, name, 'PUT', one)).status).toBe(201);
      const answer = await killAt(walk, point, () => ask(walk, name, 'PUT', two));
      if (answer !== null) expect([answer.status, isNew]).toEqual([201, true]);
      const old = [1, 'one'];
      const both = [[2, two.toString()], old];
      expect(await versionsOf(walk, name)).toEqual(isNew ? both : [old]);
      await expectNothingLeft(walk);
      // Sent again it is what it was to be, once.
      expect((await ask(walk, name, 'PUT', two)).status).toBe(isNew ? 200 : 201);
      expect(await versionsOf(walk, name)).toEqual(both);
      walk.onTried(`PUT of a version: ${point}`, isNew ? 'the new one' : 'the old one, and may be put again');
    });

  for (const point of [
    'archive unpacked, not judged',
    'archive judged',
    'archive captured',
    'asset not written',
    'asset committed',
  ])
    suite.try(`while a directory is put, at "${point}", is whole or not there`, async (walk) => {
      await walk.server.startUnlessUp();
      const isNew = point === 'asset committed';
      const name = walk.newId();
      const archive = await tarOf([{ name: 'd/f', text: name }]);
      await killAt(walk, point, () => ask(walk, `${name}?extract=true`, 'PUT', archive));
      expect(await versionsOf(walk, name)).toEqual(isNew ? [[1, name]] : []);
      await expectNothingLeft(walk);
      expect((await ask(walk, `${name}?extract=true`, 'PUT', archive)).status).toBe(isNew ? 200 : 201);
      expect(await versionsOf(walk, name)).toEqual([[1, name]]);
      walk.onTried(`PUT of a directory: ${point}`, isNew ? 'there' : 'not there, and may be put again');
    });

  for (const way of ['sent', 'fetched'])
    suite.try(
      `in the midst of the bytes that are ${way}, is not there, and nothing of it is left`,
      async (walk) => {
        await walk.server.startUnlessUp();
        const name = walk.newId();
        async function* endless(): AsyncGenerator<Buffer> {
          for (;;) {
            yield Buffer.alloc(64 * 1024, name);
            await new Promise((next) => setTimeout(next, 1));
          }
        }
        const source = createServer((_request, response) => {
          pipeline(Readable.from(endless()), response).catch(() => {}); // who reads it is killed
        }).listen(0, '127.0.0.1');
        await once(source, 'listening');
        const url = `http://127.0.0.1:${(source.address() as AddressInfo).port}/`;
        const wanted = Buffer.from(JSON.stringify({ url, sha256: '0'.repeat(64) }));
        const body = Readable.toWeb(Readable.from(endless())) as ReadableStream;
        const asked = (
          way === 'sent' ? ask(walk, name, 'PUT', body) : ask(walk, name, 'PUT', wanted, JSON_TYPE)
        ).catch(() => null);
        const coming = join(walk.server.dataDir, 'contents/coming');
        await until(() => existsSync(coming) && readdirSync(coming).length > 0, 'it is coming');
        await walk.server.crash();
        await asked;
        source.close();
        await walk.server.start();
        await expectNothingLeft(walk);
        expect((await ask(walk, name)).status).toBe(404);
        walk.onTried(`PUT in the midst of bytes that are ${way}`, 'not there');
      },
    );

  for (const [point, isGone] of [
    ['asset removal not written', false],
    ['asset removal written', false],
    ['asset removal committed', true],
    ['tree of an asset not dropped', true],
  ] as const)
    suite.try(`while it is deleted, at "${point}", is whole or gone`, async (walk) => {
      await walk.server.startUnlessUp();
      const name = walk.newId();
      const texts = [`${name} one`, `${name} two`];
      for (const text of texts) await ask(walk, name, 'PUT', Buffer.from(text));
      await killAt(walk, point, () => ask(walk, name, 'DELETE'));
      const all = [
        [2, texts[1]],
        [1, texts[0]],
      ];
      expect(await versionsOf(walk, name)).toEqual(isGone ? [] : all);
      if (!isGone) expect((await ask(walk, name, 'DELETE')).status).toBe(204);
      await expectNothingLeft(walk);
      const digests = texts.map((text) => hash('sha256', text));
      await until(() => !contentsOf(walk).some((one) => digests.includes(one)), 'its contents are swept');
      expect((await ask(walk, name, 'PUT', one)).body.version).toBe(3);
      walk.onTried(`DELETE of an asset: ${point}`, isGone ? 'gone' : 'whole, and may be deleted again');
    });
});
