import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type Header, pack } from 'tar-stream';
import { expect, test } from 'vitest';
import type { RunContext } from '../../../src/contract/context.ts';
import { buildEngine, type TestEngine } from '../../helpers/build-engine.ts';
import { exited, scripted } from '../../helpers/fake-runner.ts';
import { all } from '../../helpers/tree-room.ts';

const newId = (what: string): string => `${what}-${randomUUID().slice(0, 8)}`;

type Line = Partial<Header> & { name: string; text?: string };

async function tar(...lines: Line[]): Promise<Buffer> {
  const packing = pack();
  packing.entry({ name: 'ws/', type: 'directory' });
  for (const { text = '', ...header } of lines) packing.entry(header, text);
  packing.finalize();
  return Buffer.concat(await all(packing as AsyncIterable<Buffer>));
}

const streamed = (bytes: Buffer): Readable => Readable.from([bytes], { objectMode: false });

/** Runs work elsewhere, and `work` is what they do. */
const built = (work: (ctx: RunContext) => Promise<unknown>): TestEngine =>
  buildEngine({
    runners: [
      scripted(
        async (ctx) => {
          await work(ctx);
          return exited();
        },
        { copiesWorkspace: () => true },
      ),
    ],
  });

const replacing = (bytes: Buffer) => async (ctx: RunContext) => ctx.workspace?.replace(streamed(bytes));

test('a workspace becomes what a run made of its copy, and what did not change stays untouched', async () => {
  const made = await tar(
    { name: 'ws/same', text: 'same' },
    { name: 'ws/changed', text: 'new', mode: 0o755 },
    { name: 'ws/out', type: 'symlink', linkname: '/etc' },
    { name: 'ws/dir/', type: 'directory', mode: 0o700 },
    { name: 'ws/dir/a.txt', text: 'artifact' },
    { name: 'ws/pipe', type: 'fifo' },
  );
  let omitted: unknown;
  await using engine = built(async (ctx) => {
    omitted = await replacing(made)(ctx);
  });
  const id = newId('w');
  await engine.workspaces.create({ workspace_id: id });
  const { root } = engine.workspaces.tree(id);
  const at = (path: string): string => join(root, path);
  fs.writeFileSync(at('same'), 'same', { mode: 0o644 });
  fs.writeFileSync(at('changed'), 'old');
  fs.mkdirSync(at('gone'));
  fs.writeFileSync(at('gone/f'), 'x');
  const before = [root, at('same')].map((path) => fs.statSync(path).ino);
  const { outcome, result } = await engine.run({
    runtime_kind: 'scripted',
    options: { workspace: { id, snapshot: 'both' }, artifacts: ['dir/*.txt'] },
  });
  expect(result?.error_summary).toBeNull();
  expect(omitted).toEqual([{ path: 'pipe', reason: 'a FIFO' }]);
  expect(fs.readdirSync(root).sort()).toEqual(['changed', 'dir', 'out', 'same']);
  expect(fs.readFileSync(at('changed'), 'utf8')).toBe('new');
  expect([at('changed'), at('dir')].map((path) => fs.statSync(path).mode & 0o777)).toEqual([0o755, 0o700]);
  expect(fs.readlinkSync(at('out'))).toBe('/etc');
  expect([root, at('same')].map((path) => fs.statSync(path).ino)).toEqual(before);
  // Artifacts, the snapshot after it and the count are of what came back.
  expect(result?.artifacts.map(({ description }) => description)).toContain('dir/a.txt');
  const { before: first = '', after = '' } = outcome?.workspace?.snapshots ?? {};
  const { snapshots } = engine.workspaces;
  expect(await snapshots.find(first ?? '', ['gone', 'f'])).not.toBeNull();
  expect(await snapshots.find(after ?? '', ['gone'])).toBeNull();
  expect(await snapshots.find(after ?? '', ['dir', 'a.txt'])).toMatchObject({ type: 'file' });
  expect(outcome?.workspace?.bytes).toBe(15);
  expect(engine.workspaces.get(id)).toMatchObject({ state: 'ready', bytes: 15, files: 3 });
  expect(fs.readdirSync(join(root, '../beside/restore'))).toEqual(['deep']);
});

test('an archive that is not whole changes nothing, and leaves nothing', async () => {
  const whole = await tar({ name: 'ws/a', text: 'new' }, { name: 'ws/b', text: 'x' });
  let words = '';
  await using engine = built(async (ctx) => {
    await replacing(whole.subarray(0, 1536))(ctx).catch((error: Error) => {
      words = error.message;
    });
  });
  const id = newId('w');
  await engine.workspaces.create({ workspace_id: id });
  const { root } = engine.workspaces.tree(id);
  fs.writeFileSync(join(root, 'a'), 'old');
  await engine.run({ runtime_kind: 'scripted', options: { workspace: id } });
  expect(words).toBe('the archive of the directory is not whole');
  expect(fs.readFileSync(join(root, 'a'), 'utf8')).toBe('old');
  expect(fs.readdirSync(join(root, '../beside'))).toEqual([]);
});

test('a run that works in a copy is alone in its workspace, also where it says shared, and nobody changes that meanwhile', async () => {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const begun: string[] = [];
  await using engine = built(async ({ invocation }) => {
    begun.push(invocation.invocation_id);
    await gates[begun.length - 1]?.promise;
  });
  const id = newId('w');
  await engine.workspaces.create({ workspace_id: id });
  const names = [newId('a'), newId('b')];
  // A change that was begun before is waited for.
  const change = Promise.withResolvers<void>();
  const changing = engine.workspaces.changing(id, () => change.promise);
  for (const invocation_id of names)
    await engine.post({
      runtime_kind: 'scripted',
      invocation_id,
      options: { workspace: { id, shared: true } },
    });
  const put = () => engine.workspaces.changing(id, async () => {});
  await expect.poll(() => put().then(String, String)).toContain('a run in it that works in a copy');
  expect(begun).toEqual([]);
  change.resolve();
  await changing;
  await expect.poll(() => begun).toEqual(names.slice(0, 1));
  await expect(put()).rejects.toMatchObject({ code: 'workspace_busy' });
  expect((await engine.get(`/invocations/${names[1]}`)).json().waiting).toMatchObject({
    holders: [names[0]],
  });
  gates[0]?.resolve();
  await expect.poll(() => begun).toEqual(names);
  gates[1]?.resolve();
  await engine.engine.waitFinished(names[1] ?? '', 10_000);
  await put();
});

test('more than max_bytes comes back and is told, and the next run does not begin', async () => {
  await using engine = built(replacing(await tar({ name: 'ws/big', text: 'x'.repeat(100) })));
  const id = newId('w');
  await engine.workspaces.create({ workspace_id: id, max_bytes: 50 });
  const first = await engine.run({ runtime_kind: 'scripted', options: { workspace: id } });
  expect([first.status, first.outcome?.workspace?.bytes]).toEqual(['succeeded', 100]);
  const next = await engine.run({ runtime_kind: 'scripted', options: { workspace: id } });
  expect([next.status, next.outcome?.ended]).toEqual(['failed', 'never_started']);
  expect(next.result?.error_summary).toContain('is full: it has 100 bytes');
});

test('a run in no workspace, or of a kind that works in the workspace itself, has none to replace', async () => {
  const seen: unknown[] = [];
  const see = async ({ workspace }: RunContext) => {
    seen.push(workspace);
    return exited();
  };
  await using engine = buildEngine({
    runners: [scripted(see), scripted(see, { kind: 'copied', copiesWorkspace: () => true })],
  });
  const id = newId('w');
  await engine.workspaces.create({ workspace_id: id });
  await engine.run({ runtime_kind: 'copied' });
  await engine.run({ runtime_kind: 'scripted', options: { workspace: id } });
  expect(seen).toEqual([null, null]);
});
