import { randomUUID } from 'node:crypto';
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tarOf } from '../../helpers/asset-room.ts';
import { buildEngine, type TestEngine } from '../../helpers/build-engine.ts';
import { exited, scripted } from '../../helpers/fake-runner.ts';

const newId = (word: string): string => `${word}-${randomUUID().slice(0, 8)}`;

async function putAsset(engine: TestEngine, path: string, payload: Buffer | string): Promise<void> {
  const headers = { 'content-type': 'application/octet-stream' };
  const { statusCode } = await engine.request({ method: 'PUT', url: `/assets/${path}`, payload, headers });
  expect(statusCode).toBe(201);
}

/** The files of a workspace that is made with these: path, mode and text. */
async function filled(engine: TestEngine, files: object[]): Promise<string[]> {
  const id = newId('w');
  const made = await engine.request({
    ...{ method: 'POST', url: '/workspaces?wait=20' },
    payload: { workspace_id: id, files },
  });
  expect([made.statusCode, made.json().state]).toEqual([201, 'ready']);
  const { items } = (await engine.request({ url: `/workspaces/${id}/files?limit=100` })).json() as {
    items: { path: string; type: string; mode: string; target?: string }[];
  };
  return Promise.all(
    items.map(async ({ path, type, mode, target }) => {
      if (type !== 'file') return `${path} ${type}${target === undefined ? '' : ` ${target}`}`;
      return `${path} ${mode} ${(await engine.request({ url: `/workspaces/${id}/files/${path}` })).body}`;
    }),
  );
}

test('a file that is sent may be an asset, of the newest version or the one that is named, with a mode', async () => {
  await using engine = buildEngine();
  const name = newId('model');
  await putAsset(engine, name, 'one');
  await putAsset(engine, name, 'two');
  expect(
    await filled(engine, [
      { path: 'new', asset: name },
      { path: 'deep/old', asset: `${name}@1`, mode: '0755' },
    ]),
  ).toEqual(['deep directory', 'deep/old 0755 one', 'new 0644 two']);
});

test('a directory comes with all that is in it, also where that is nothing', async () => {
  await using engine = buildEngine();
  const [tools, nothing] = [newId('tools'), newId('nothing')];
  await putAsset(
    engine,
    `${tools}?extract=true`,
    await tarOf([
      { name: 'bin/run', text: '#!', mode: 0o755 },
      { name: 'latest', link: 'bin/run' },
      { name: 'empty/' },
    ]),
  );
  await putAsset(engine, `${nothing}?extract=true`, await tarOf([{ name: './' }, { name: 'only/' }]));
  expect(
    await filled(engine, [
      { path: 'opt/tools', asset: tools },
      { path: 'none', asset: nothing },
    ]),
  ).toEqual([
    'none directory',
    'none/only directory',
    'opt directory',
    'opt/tools directory',
    'opt/tools/bin directory',
    'opt/tools/bin/run 0755 #!',
    'opt/tools/empty directory',
    'opt/tools/latest link bin/run',
  ]);
});

test('runs have such files too, and the same request again is the same run, whatever the newest version is by then', async () => {
  const name = newId('data');
  const seen: string[] = [];
  const runner = scripted(
    async ({ workingDirectory }) => {
      const { readFileSync } = await import('node:fs');
      seen.push(readFileSync(`${workingDirectory}/data`, 'utf8'));
      return exited();
    },
    { needsCommand: false },
  );
  await using engine = buildEngine({ runners: [runner] });
  await putAsset(engine, name, 'first');
  const payload = {
    invocation_id: newId('run'),
    runtime_kind: 'scripted',
    options: {
      files: [
        { path: 'text', text: 'x' },
        { path: 'data', asset: name },
      ],
    },
  };
  // The record says which version it was.
  const files = [
    { path: 'text', text: 'x' },
    { path: 'data', asset: `${name}@1` },
  ];
  const post = () => engine.request({ method: 'POST', url: '/invocations?wait=20', payload });
  const made = (await post()).json();
  expect(made).toMatchObject({ status: 'succeeded', invocation: { options: { files } } });
  await putAsset(engine, name, 'second');
  const again = await post();
  expect([again.statusCode, again.json()]).toEqual([200, made]);
  expect(seen).toEqual(['first']);
});

test('what is not there, or makes no sense, is refused by its field', async () => {
  await using engine = buildEngine();
  const tools = newId('tools');
  await putAsset(engine, `${tools}?extract=true`, await tarOf([{ name: 'a', text: 'a' }]));
  const refused = async (file: object): Promise<object> => {
    const payload = { runtime_kind: 'subprocess', command: ['true'], options: { files: [file] } };
    const { statusCode, body } = await engine.request({ method: 'POST', url: '/invocations', payload });
    return { statusCode, ...(JSON.parse(body).errors?.[0] as object) };
  };
  expect(await refused({ path: 'a', asset: 'nobody@3' })).toEqual({
    ...{ statusCode: 422, path: 'options.files.0.asset', message: 'there is no asset nobody@3' },
  });
  expect(await refused({ path: 'a', asset: tools, mode: '0600' })).toMatchObject({
    ...{ statusCode: 422, path: 'options.files.0.mode' },
    message: expect.stringContaining('has modes of its own'),
  });
  expect(await refused({ path: 'a', asset: tools, text: 'both' })).toMatchObject({ statusCode: 422 });
  expect(await refused({ path: '../a', asset: tools })).toMatchObject({
    ...{ statusCode: 422, path: 'options.files.0.path' },
  });
});

test('assets that are refused are not held: nothing stays open, and their contents go with them', async () => {
  await using engine = buildEngine();
  const contents = join(engine.dataDir, 'contents');
  const open = (): string[] =>
    readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        const path = readlinkSync(`/proc/self/fd/${fd}`);
        return path.startsWith(contents) ? [path] : [];
      } catch {
        return []; // that of the listing itself
      }
    });
  const [tools, words] = [newId('tools'), newId('words')];
  await putAsset(engine, `${tools}?extract=true`, await tarOf([{ name: 'a', text: 'a'.repeat(100_000) }]));
  await putAsset(engine, words, 'b');
  for (const asset of [tools, words]) {
    const files = [
      { path: 'x/a', text: 'in its way' },
      { path: asset === tools ? 'x' : 'x/a', asset },
    ];
    const payload = { runtime_kind: 'subprocess', command: ['true'], options: { files } };
    const { statusCode } = await engine.request({ method: 'POST', url: '/invocations', payload });
    expect(statusCode).toBe(422);
  }
  expect(open()).toEqual([]);
  for (const asset of [tools, words])
    expect((await engine.request({ method: 'DELETE', url: `/assets/${asset}` })).statusCode).toBe(204);
  const kept = (): string[] =>
    readdirSync(contents, { recursive: true })
      .map(String)
      .filter((name) => /[0-9a-f]{64}$/.test(name));
  await expect.poll(kept, { timeout: 60_000 }).toEqual([]);
});
