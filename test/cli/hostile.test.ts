import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { type TarEntry, tarOf } from '../../client/runwire.ts';
import { runwire } from '../helpers/command-line.ts';
import { type Answer, json, type ScriptedServer, scriptedServer } from '../helpers/scripted-server.ts';
import { hashOf, treeHere } from '../helpers/tree-here.ts';
import { workingPlace } from '../helpers/working-place.ts';

const place = workingPlace();
let server: ScriptedServer;
afterEach(() => server[Symbol.asyncDispose]());

/** A server that is none of ours: it lists these, and has this archive of them. */
async function hostile(paths: string[], entries: TarEntry[]): Promise<void> {
  const bytes = Buffer.from(await tarOf(entries).arrayBuffer());
  const sha256 = hashOf(Buffer.from('evil'));
  const items = paths.map((path) => ({
    ...{ path, type: 'file', size_bytes: 4, mode: '0644', modified_at: '2030-01-01T00:00:00.000Z', sha256 },
  }));
  const answer: Answer = (response, request, body) => {
    const { pathname } = new URL(request.url ?? '', 'http://x');
    if (pathname.endsWith('/files')) return json({ items, next_cursor: null })(response, request, body);
    if (pathname.includes('/files/')) return void response.end('evil');
    if (pathname.endsWith('/archive') || pathname.endsWith('/content')) return void response.end(bytes);
    json({ workspace_id: 'w', name: 'a', version: 1, type: 'directory' })(response, request, body);
  };
  server = await scriptedServer(answer);
  mkdirSync(place.at('to'));
  writeFileSync(place.at('kept'), 'kept');
}
async function told(...words: string[]): Promise<[code: number | string | null, error: string]> {
  const started = runwire(words, { RUNWIRE_URL: server.url }, undefined, place.path);
  return [await started.ended, started.stderr()];
}
const nothingOutside = (): void => expect(readdirSync(place.path).toSorted()).toEqual(['kept', 'to']);

test.each(['../kept', '/tmp/runwire-evil', 'a/../../kept', 'x/../../../kept'])(
  'a server that lists %s writes nothing outside',
  async (path) => {
    await hostile([path], []);
    const [code, error] = await told('workspace', 'pull', 'w', 'to');
    expect([code, error]).toEqual([125, expect.stringContaining('is no name of a file here')]);
    nothingOutside();
  },
);

test('a name that would move the cursor of the terminal is told, and does not', async () => {
  await hostile(['\u001b[2Jevil\ufffd'], []);
  const [code, error] = await told('workspace', 'pull', 'w', 'to');
  expect([code, error]).toEqual([125, 'runwire: left out: \\u001b[2Jevil\ufffd: its name is not UTF-8\n']);
});

test('what is in an archive and was not listed does not come', async () => {
  const paths = Array.from({ length: 40 }, (_, at) => `f${at}`);
  const entries = ['../kept', 'more', ...paths].map((path) => ({ path, body: 'evil' }));
  await hostile(paths, entries);
  expect(await told('workspace', 'pull', 'w', 'to')).toEqual([0, '']);
  expect(Object.keys(treeHere(place.at('to')))).toHaveLength(40);
  nothingOutside();
});

test.each([
  [[{ path: '../kept', body: 'evil' }], 'is no name of a file here'],
  [[{ path: '/tmp/runwire-evil', body: 'evil' }], 'is no name of a file here'],
  [
    [
      { path: 'up', target: '..' },
      { path: 'up/kept', body: 'evil' },
    ],
    'left out: up is a link that leads out',
  ],
  [[{ path: 'up', target: '..' }], 'left out: up is a link that leads out'],
  [
    [
      { path: 'd/in', target: '..' },
      { path: 'd2', target: 'd/in/../kept' },
      { path: 'd', directory: true },
    ],
    'left out: d2 is a link that leads out',
  ],
])('an archive of a directory with %j writes nothing outside', async (entries, words) => {
  await hostile([], entries);
  const [code, error] = await told('asset', 'get', 'a', 'to');
  expect([code, error]).toEqual([125, expect.stringContaining(words)]);
  nothingOutside();
});
