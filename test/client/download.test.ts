import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { Runwire } from '../../client/runwire.ts';
import {
  type Answer,
  problem,
  reset,
  type ScriptedServer,
  scriptedServer,
  text,
} from '../helpers/scripted-server.ts';

const BYTES = Buffer.from('the bytes of an artifact, äöü, to the last');
const HASH = createHash('sha256').update(BYTES).digest('base64');

/** Serves the bytes as Runwire does, cut after so many of them, with these headers instead. */
const bytes =
  (cutAfter = BYTES.length, headers: Record<string, string> = {}, of = BYTES): Answer =>
  (response, request) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const rest = of.subarray(from);
    response.writeHead(from === 0 ? 200 : 206, {
      'content-length': String(rest.length),
      etag: '"e"',
      'repr-digest': `sha-256=:${HASH}:`,
      ...headers,
    });
    const sent = rest.subarray(0, cutAfter);
    response.write(sent, () =>
      sent.length === rest.length ? response.end() : setImmediate(() => response.destroy()),
    );
  };
const artifact = ({ url }: ScriptedServer) => new Runwire({ url }).attach('a').artifact('x');

test('bytes whose connection breaks are gone on with where they broke', async () => {
  await using server = await scriptedServer(bytes(7), reset, text('', 502), bytes(5), bytes(1), bytes());
  expect(await artifact(server).text()).toBe(BYTES.toString());
  expect(server.asked).toHaveLength(6);
});

test.each([
  [
    'has another tag by then',
    problem(412, 'precondition_failed'),
    { name: 'IntegrityError', code: 'changed' },
  ],
  [
    'comes from the start again',
    (response) => void response.writeHead(200, { etag: '"e"' }).end('x'),
    { name: 'IntegrityError', code: 'changed' },
  ],
  ['is gone by then', problem(410, 'gone'), { name: 'GoneError', code: 'gone' }],
] as [string, Answer, object][])('what %s is not taken for the rest', async (_what, answer, error) => {
  await using server = await scriptedServer(bytes(7), answer);
  await expect(artifact(server).bytes()).rejects.toMatchObject(error);
});

test('other bytes than the hash says are told of', async () => {
  const other = Buffer.from(BYTES);
  other[3] = 0;
  await using server = await scriptedServer(bytes(undefined, {}, other));
  await expect(artifact(server).bytes()).rejects.toMatchObject({
    name: 'IntegrityError',
    code: 'hash_mismatch',
  });
});

test('what has no tag is not gone on with', async () => {
  await using server = await scriptedServer((response) => {
    response.writeHead(200);
    response.write('some', () => setImmediate(() => response.destroy()));
  });
  await expect(artifact(server).bytes()).rejects.toMatchObject({
    name: 'ConnectionError',
    code: 'connection_lost',
  });
  expect(server.asked).toHaveLength(1);
});

test('nothing is asked for that is not read, and who leaves is no trouble', async () => {
  await using server = await scriptedServer(bytes());
  const download = artifact(server);
  expect(server.asked).toEqual([]);
  for await (const _ of download) break;
  await download.stream().cancel();
  expect(await download.head()).toMatchObject({ size: BYTES.length, etag: '"e"' });
  expect(server.asked.at(-1)).toBe('HEAD /invocations/a/artifacts/x');
});
