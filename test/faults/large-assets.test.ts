import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Asset } from '../../src/documents/asset.ts';
import { TAR_END, tarHead } from '../../src/files/tar-head.ts';
import { type ServerProcess, startServer } from '../helpers/server-process.ts';

const GIB = 1024 ** 3;
const BLOCK = Buffer.alloc(256 * 1024, 'runwire');
/** What a server may have more while so much goes through it. */
const MOST_MORE = 160 * 1024 * 1024;

function* gibibyte(): Generator<Buffer> {
  for (let at = 0; at < GIB; at += BLOCK.length) yield BLOCK;
}

function* tarOfIt(): Generator<Buffer> {
  yield tarHead({ name: 'big', type: 'file', size: GIB, mode: 0o644, modified: new Date(0) });
  yield* gibibyte();
  yield TAR_END;
}

describe('An asset of 1 GiB', { timeout: 170_000 }, () => {
  let dataDir: string;
  let server: ServerProcess;
  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'runwire-large-'));
    server = await startServer(dataDir);
  });
  afterEach(async () => {
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  /** The most memory that the server ever had, bytes. */
  const peak = (): number =>
    1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))?.[1]);

  async function send(
    method: string,
    path: string,
    type: string,
    body: Readable | null,
  ): Promise<IncomingMessage> {
    const asked = request(`${server.address}${path}`, {
      method,
      ...(body && { headers: { 'content-type': type } }),
    });
    const answered = once(asked, 'response') as Promise<[IncomingMessage]>;
    if (body) await pipeline(body, asked);
    else asked.end();
    return (await answered)[0];
  }

  async function put(path: string, type: string, body: Readable): Promise<Asset> {
    const answer = await send('PUT', path, type, body);
    const pieces: Buffer[] = [];
    for await (const piece of answer) pieces.push(piece as Buffer);
    expect([answer.statusCode, Buffer.concat(pieces).toString().slice(0, 300)]).toEqual([
      201,
      expect.any(String),
    ]);
    return JSON.parse(Buffer.concat(pieces).toString()) as Asset;
  }

  async function sumOf(path: string): Promise<string> {
    const sum = createHash('sha256');
    const take = new Writable({
      write(piece, _encoding, done) {
        sum.update(piece);
        done();
      },
    });
    await pipeline(await send('GET', path, '', null), take);
    return sum.digest('hex');
  }

  test('is sent, fetched, unpacked and read, and the memory of the server stays what it was', async () => {
    const sum = createHash('sha256');
    for (const block of gibibyte()) sum.update(block);
    const sha256 = sum.digest('hex');
    const before = peak();
    const file = await put('/assets/file', 'a/b', Readable.from(gibibyte()));
    expect([file.bytes, file.digest]).toEqual([GIB, sha256]);
    expect(await sumOf('/assets/file/content')).toBe(sha256);
    await fetch(`${server.address}/assets/file`, { method: 'DELETE' });

    const source = createServer((_request, response) => Readable.from(gibibyte()).pipe(response)).listen(
      0,
      '127.0.0.1',
    );
    await once(source, 'listening');
    const url = `http://127.0.0.1:${(source.address() as AddressInfo).port}/`;
    const asked = Readable.from([Buffer.from(JSON.stringify({ url, sha256 }))]);
    expect((await put('/assets/fetched', 'application/json', asked)).digest).toBe(sha256);
    source.close();

    const tree = await put('/assets/tree?extract=true', 'application/x-tar', Readable.from(tarOfIt()));
    expect([tree.type, tree.bytes]).toEqual(['directory', GIB]);
    expect(await sumOf('/assets/tree/content?path=big')).toBe(sha256);
    expect(peak() - before).toBeLessThan(MOST_MORE);
  });
});
