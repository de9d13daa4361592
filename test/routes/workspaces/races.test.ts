import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BuiltApp, buildApp } from '../../helpers/build-app.ts';

const SECRET = `secret-${randomUUID()}`;
const DIRECTORIES = 4;
const ROUNDS = 50;

/**
 * A program that swaps directories for links out of the tree and back, as fast as it can, at both levels; and makes the
 * directory anew where it was taken away.
 */
const SWAPPER = `
const { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync } = require('node:fs');
const outside = process.argv[1];
const attempt = (work) => { try { work(); } catch {} };
for (let round = 0; ; round++)
  for (let at = 0; at < ${DIRECTORIES}; at++)
    for (const name of ['d' + at, 'd' + at + '/e']) {
      attempt(() => mkdirSync('d' + at + '/e', { recursive: true }));
      attempt(() => renameSync(name, 'aside-' + at));
      attempt(() => symlinkSync(outside, name));
      attempt(() => unlinkSync(name));
      attempt(() => renameSync('aside-' + at, name));
      attempt(() => rmSync('aside-' + at, { recursive: true, force: true }));
    }
`;

let server: BuiltApp;
let place: string;
beforeEach(async () => {
  server = await buildApp();
  place = mkdtempSync(join(tmpdir(), 'runwire-races-'));
});
afterEach(async () => {
  await server.end();
  rmSync(place, { recursive: true, force: true });
});

async function tar(names: readonly string[]): Promise<Buffer<ArrayBuffer>> {
  const packing = pack();
  for (const name of names) packing.entry({ name }, 'from the archive');
  packing.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packing) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test('a program that swaps its directories for links meanwhile changes nothing outside, and nothing comes out', async () => {
  const outside = join(place, 'outside');
  mkdirSync(join(outside, 'e'), { recursive: true });
  for (const name of ['f', 'e/f', 'keep', 'e/keep']) writeFileSync(join(outside, name), SECRET);
  const mode = statSync(outside).mode;
  const origin = await server.listen();
  const id = `races-${randomUUID()}`;
  const at = `${origin}/workspaces/${id}`;
  const send = (path: string, init: RequestInit = {}) => fetch(`${at}/${path}`, init);
  const json = { 'content-type': 'application/json' };
  await fetch(`${origin}/workspaces`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ workspace_id: id }),
  });
  await fetch(`${origin}/invocations`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({
      runtime_kind: 'subprocess',
      command: [process.execPath, '-e', SWAPPER, outside],
      options: { workspace: id, kill_grace_seconds: 0 },
    }),
  });
  await expect.poll(async () => (await send('files')).text()).toContain('"path":"d0');
  const archive = await tar(
    Array.from({ length: DIRECTORIES * 2 }, (_, n) => `d${n % DIRECTORIES}/e/f${n < DIRECTORIES ? '' : n}`),
  );
  const seen = new Map<string, Set<number>>();
  const note = async (what: string, answering: Promise<Response>): Promise<void> => {
    const answer = await answering;
    // An archive that is broken off ends with its connection.
    const text = await answer.text().catch(() => '');
    expect(text).not.toContain(SECRET);
    seen.set(what, (seen.get(what) ?? new Set()).add(answer.status));
  };
  for (let round = 0; round < ROUNDS; round++) {
    const d = `d${round % DIRECTORIES}`;
    await Promise.all([
      note('put', send(`files/${d}/e/f`, { method: 'PUT', body: 'from outside' })),
      note('put', send(`files/${d}/f`, { method: 'PUT', body: 'from outside' })),
      note('get', send(`files/${d}/e/f`)),
      note('get', send(`files/${d}/f`)),
      note('list', send('files?hash=true')),
      note('pack', send('archive')),
      note(
        'unpack',
        send('files', { method: 'POST', body: archive, headers: { 'content-type': 'application/x-tar' } }),
      ),
      note('delete', send(`files/${d}/keep`, { method: 'DELETE' })),
      note('delete', send(`files/${d}/e?recursive=true`, { method: 'DELETE' })),
      note('delete', send(`files/${d}?recursive=true`, { method: 'DELETE' })),
    ]);
  }
  const of = (what: string): number[] => [...(seen.get(what) ?? [])].sort();
  for (const [what, allowed] of [
    ['put', [201, 204, 409]],
    ['get', [200, 404]],
    ['list', [200]],
    ['pack', [200]],
    ['unpack', [200, 409]],
    ['delete', [204, 404, 409]],
  ] as const)
    expect([what, of(what).filter((status) => !(allowed as readonly number[]).includes(status))]).toEqual([
      what,
      [],
    ]);
  expect((await fetch(`${at}?cancel=true`, { method: 'DELETE' })).status).toBe(204);
  expect([readdirSync(outside).sort(), readdirSync(join(outside, 'e')).sort()]).toEqual([
    ['e', 'f', 'keep'],
    ['f', 'keep'],
  ]);
  for (const name of ['f', 'e/f', 'keep', 'e/keep'])
    expect(readFileSync(join(outside, name), 'utf8')).toBe(SECRET);
  expect(statSync(outside).mode).toBe(mode);
  // They met each other, or this shows nothing.
  expect(of('put')).toContain(409);
  expect(of('put')).toContain(201);
  expect(of('delete')).toContain(204);
});
