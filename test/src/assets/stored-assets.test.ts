import { hash } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RunwireError } from '../../../src/documents/errors.ts';
import { archiveOf } from '../../../src/files/pack.ts';
import { AssetRoom } from '../../helpers/asset-room.ts';

const AT = { code: 'invalid_invocation', path: 'options.assets.model' } as const;
const signal = new AbortController().signal;

async function refusal(work: Promise<unknown>): Promise<Partial<RunwireError>> {
  try {
    await work;
    return {};
  } catch (error) {
    return error as RunwireError;
  }
}

test('a name is the newest version, a number that one, and a digest has to be right', async () => {
  await using room = new AssetRoom();
  const one = await room.put('model', 'one');
  const two = await room.put('model', 'two');
  expect(room.assets.resolve({ name: 'model' }, AT)).toEqual({
    ...{ name: 'model', version: 2, digest: two.digest, type: 'file', bytes: 3 },
  });
  expect(room.assets.resolve({ name: 'model', version: 1, digest: one.digest }, AT).version).toBe(1);
  const refused = (wanted: Parameters<typeof room.assets.resolve>[0], message: string) =>
    expect(() => room.assets.resolve(wanted, AT)).toThrow(
      expect.objectContaining({
        code: AT.code,
        errors: [{ path: AT.path, message: expect.stringContaining(message) }],
      }),
    );
  refused({ name: 'other' }, 'there is no asset other');
  refused({ name: 'model', version: 3 }, 'there is no asset model@3');
  refused({ name: 'model', digest: one.digest }, `the asset model@2 has the digest ${two.digest}`);
});

test('what is used is not deleted, and who uses it is named; when nobody does any more it is', async () => {
  const sessions = [{ who: 'the session s', name: 'c', version: null as number | null }];
  await using room = new AssetRoom({ usedBy: () => sessions });
  for (const name of ['a', 'b', 'c', 'd']) for (const text of ['1', '2']) await room.put(name, text);
  room.run('r', [{ name: 'a', version: 1 }]);
  const spec = { name: 'spec', digest: 'd', document: '{}', createdAt: 1 };
  room.store.specs.insert(spec, [{ name: 'b', version: 2 }]);
  const inUse = async (reference: string, who: string) => {
    const { code, message } = await refusal(room.assets.remove(reference));
    expect([code, message]).toEqual(['asset_in_use', `The asset ${reference} is used by ${who}.`]);
  };
  await inUse('a', 'the run r');
  await inUse('a@1', 'the run r');
  await inUse('b', 'the environment spec spec@1');
  await inUse('b@2', 'the environment spec spec@1');
  await inUse('c', 'the session s');
  for (const reference of ['a@2', 'b@1', 'c@1', 'd']) await room.assets.remove(reference);
  // Who names the newest needs that there is one.
  await inUse('c@2', 'the session s');
  room.finish('r');
  sessions.pop();
  room.store.specs.remove('spec', []);
  for (const reference of ['a', 'b', 'c@2']) await room.assets.remove(reference);
  expect(room.assets.list({ limit: 9 }).items).toEqual([]);
  expect((await refusal(room.assets.remove('a'))).code).toBe('asset_not_found');
});

test('of many who use it some are named, and how many there are beside them', async () => {
  await using room = new AssetRoom({
    usedBy: () =>
      Array.from({ length: 9 }, (_, at) => ({ who: `the session s${at}`, name: 'a', version: 1 })),
  });
  await room.put('a', '1');
  expect((await refusal(room.assets.remove('a'))).message).toMatch(/the session s4, 4 more\.$/);
  for (let n = 0; n < 8; n++) room.run(`r${n}`, [{ name: 'a', version: 1 }]);
  expect((await refusal(room.assets.remove('a'))).message).toBe(
    'The asset a is used by the run r0, the run r1, the run r2, the run r3, the run r4, 12 more.',
  );
});

test('what a removal was asked for holds also when it is stored at the second try', async () => {
  let retried = (): void => {};
  await using room = new AssetRoom({ disk: { shortage: () => null, spendReserve: () => retried() } });
  const first = await room.put('a', 'one');
  const { remove } = room.store.assets;
  room.store.assets.remove = () => {
    room.store.assets.remove = remove;
    throw new RunwireError('insufficient_storage', 'no room for the record');
  };
  // Another one has put a version meanwhile.
  const row = {
    name: 'a',
    type: 'file',
    digest: 'd',
    bytes: 1,
    files: 1,
    mediaType: 'm',
    createdAt: 1,
  } as const;
  retried = () => void room.store.assets.insert(row);
  const only = (digest: string): void => {
    if (digest !== first.digest) throw new RunwireError('precondition_failed', 'it is another one');
  };
  expect((await refusal(room.assets.remove('a', only))).code).toBe('precondition_failed');
  expect(room.assets.get('a').version).toBe(2);
});

test('contents of versions stay over sweeps, those of what is gone go, and what is coming is left alone', async () => {
  await using room = new AssetRoom();
  const tree = [
    { name: 'shared', text: 'shared' },
    { name: 'own', text: 'own' },
  ];
  const directory = await room.putTree('directory', tree);
  const file = await room.put('file', 'shared');
  const coming = Promise.withResolvers<void>();
  async function* slowly(): AsyncGenerator<Buffer> {
    yield Buffer.from('be');
    await coming.promise;
    yield Buffer.from('low');
  }
  const content = { from: 'body', bytes: slowly(), extract: false, mediaType: '' } as const;
  const putting = room.assets.put('slow', content, {});
  // A sweep waits for nobody who sends.
  expect(await room.sweep()).toMatchObject({ removed: 0 });
  expect(room.below('contents/coming')).toHaveLength(1);
  expect(room.contents()).toHaveLength(3);
  await room.assets.remove('directory');
  expect(await room.sweep()).toMatchObject({ removed: 2 });
  expect(room.contents().map((path) => path.slice(3))).toEqual([file.digest]);
  coming.resolve();
  const { asset } = await putting;
  expect(await room.sweep()).toMatchObject({ removed: 0 });
  await room.assets.putAt(asset, room.at('slow'), { writable: false, signal });
  expect(fs.readFileSync(room.at('slow'), 'utf8')).toBe('below');
  expect(room.assets.resolve({ name: 'file' }, AT).digest).toBe(file.digest);
  expect(directory.digest).not.toBe(file.digest);
});

test('sweeps between puts and removals of the same bytes lose nothing that is held', async () => {
  await using room = new AssetRoom();
  let over = false;
  const sweeping = (async () => {
    while (!over) {
      await room.sweep();
      await new Promise<void>((next) => setImmediate(next));
    }
  })();
  for (let times = 0; times < 30; times++) {
    const [file] = await Promise.all([
      room.put('a', 'same'),
      room.putTree('b', [{ name: 'f', text: 'same' }]),
    ]);
    await room.assets.reading(`a@${file.version}`, async (asset) => fs.closeSync(asset.open()));
    for await (const entry of await room.assets.reading('b', async (asset) => asset.entries(null)))
      fs.closeSync(entry.open() ?? -1);
    await Promise.all(['a', 'b'].map((name) => room.assets.remove(name)));
  }
  over = true;
  await sweeping;
  await room.sweep();
  expect(room.contents()).toEqual([]);
});

test('who reads it when it is deleted reads it to its end, also over a sweep', async () => {
  await using room = new AssetRoom();
  await room.put('file', 'text');
  await room.putTree('tree', [
    { name: 'a', text: 'one' },
    { name: 'b', text: 'two' },
  ]);
  const words: string[] = [];
  const readAll = (fd: number): string => {
    const text = fs.readFileSync(fd, 'utf8');
    fs.closeSync(fd);
    return text;
  };
  let swept: Promise<unknown> = Promise.resolve();
  await room.assets.reading('tree', async (asset) => {
    for await (const entry of asset.entries(null)) {
      if (words.length === 0) {
        await room.assets.remove('tree');
        swept = room.sweep();
      }
      words.push(readAll(entry.open() ?? -1));
    }
  });
  await swept;
  await room.assets.reading('file', async (asset) => {
    const fd = asset.open();
    await room.assets.remove('file');
    await room.sweep();
    words.push(readAll(fd));
  });
  expect(words).toEqual(['one', 'two', 'text']);
  expect(room.contents()).toEqual([]);
});

test('a disk that fills up in the midst of it refuses it, and nothing is kept', async () => {
  await using room = new AssetRoom();
  async function* filling(): AsyncGenerator<Buffer> {
    yield Buffer.from('first');
    room.shortage = 'there is not enough disk space';
    yield Buffer.from('second');
  }
  for (const extract of [false, true]) {
    room.shortage = null;
    const content = { from: 'body', bytes: filling(), extract, mediaType: '' } as const;
    expect(await refusal(room.assets.put('a', content, {}))).toMatchObject({
      ...{ code: 'insufficient_storage', message: 'there is not enough disk space' },
    });
  }
  expect((await refusal(room.put('a', 'x'))).code).toBe('insufficient_storage');
  for (const place of ['contents/coming', 'contents/new', 'uploads']) expect(room.below(place)).toEqual([]);
  expect(room.assets.list({ limit: 9 }).items).toEqual([]);
});

test('so many names and versions are kept, and no more', async () => {
  await using room = new AssetRoom({ caps: { assets: 2, versions: 2 } });
  for (const [name, text] of ['a1', 'a2', 'b1'].map((word) => [...word] as [string, string]))
    await room.put(name, text);
  expect(await refusal(room.put('c', 'x'))).toMatchObject({ code: 'assets_full' });
  expect(await refusal(room.put('a', 'x'))).toMatchObject({ code: 'assets_full' });
  expect((await room.put('a', '2')).version).toBe(2);
  await room.assets.remove('a@1');
  expect((await room.put('a', 'x')).version).toBe(3);
  await room.sweep();
  for (const place of ['contents/coming', 'contents/new']) expect(room.below(place)).toEqual([]);
});

test('what an earlier server left that was never whole is removed at the start, and told', async () => {
  await using room = new AssetRoom();
  const kept = await room.putTree('tree', [{ name: 'f', text: 'kept' }]);
  await room.assets.prepared(kept, signal);
  const place = (path: string) => join(room.dataDir, path);
  fs.mkdirSync(place('contents/coming'));
  fs.writeFileSync(place('contents/coming/half'), 'half');
  const half = place(`assets/trees/new-${'a'.repeat(64)}-x/sub`);
  fs.mkdirSync(half, { recursive: true });
  fs.writeFileSync(join(half, 'f'), 'half');
  for (const at of [half, join(half, '..')]) fs.chmodSync(at, 0o555);
  fs.writeFileSync(place(`assets/trees/${'b'.repeat(64)}.file`), 'of a version that is gone', {
    mode: 0o444,
  });
  fs.mkdirSync(place('assets/gone/x/y'), { recursive: true });
  room.assets.begin();
  await room.assets.close();
  expect(room.told).toEqual([{ count: 4 }]);
  expect(room.below('assets')).toEqual([
    'boot',
    'gone',
    'trees',
    `trees/${kept.digest}`,
    `trees/${kept.digest}/f`,
  ]);
  expect(room.below('contents/coming')).toEqual([]);
});

test('a file that a power cut made shorter is gone, and whole again when it is put again', async () => {
  await using room = new AssetRoom();
  const { digest } = await room.put('a', 'whole');
  const place = join(room.dataDir, 'contents', digest.slice(0, 2), digest);
  fs.chmodSync(place, 0o600);
  fs.truncateSync(place, 2);
  const read = () =>
    room.assets.reading('a', async (asset) => {
      const fd = asset.open();
      const text = fs.readFileSync(fd, 'utf8');
      fs.closeSync(fd);
      return text;
    });
  expect((await refusal(read())).code).toBe('gone');
  const asset = room.assets.resolve({ name: 'a' }, AT);
  const put = room.assets.putAt(asset, room.at('own'), { writable: true, signal });
  expect((await refusal(put)).message).toContain('is not whole');
  expect((await room.put('a', 'whole')).version).toBe(1);
  expect(await read()).toBe('whole');
});

test.each([
  ['gone', (place: string) => fs.rmSync(place)],
  ['shorter', (place: string) => fs.truncateSync(place, 2)],
])('a directory of which a file is %s by a power cut is not given without it', async (_, damage) => {
  await using room = new AssetRoom();
  const entries = [
    { name: 'a', text: 'first' },
    { name: 'b', text: 'whole' },
  ];
  const asset = await room.putTree('tree', entries);
  const digest = hash('sha256', 'whole');
  const place = join(room.dataDir, 'contents', digest.slice(0, 2), digest);
  fs.chmodSync(place, 0o600);
  damage(place);
  const archive = (format: 'tar' | 'zip') =>
    room.assets.reading('tree', async (tree) => {
      for await (const _ of archiveOf(tree.entries(null), format));
    });
  const openOf = (name: string) =>
    room.assets.reading('tree', async (tree) => {
      fs.closeSync((await tree.find([name]))?.open() ?? -1);
    });
  for (const work of [() => archive('tar'), () => archive('zip'), () => openOf('b')])
    expect(await refusal(work())).toMatchObject({ code: 'gone', message: expect.stringContaining('"b"') });
  await openOf('a');
  const packed = async () => {
    for await (const _ of room.assets.pack(asset, 'static/tree', { writable: false }));
  };
  expect((await refusal(packed())).message).toContain('not there any more');
  expect((await room.putTree('tree', entries)).version).toBe(1);
  await archive('tar');
});

test('with fsync it is the same, for files and directories', async () => {
  await using room = new AssetRoom({ sync: true });
  const file = await room.put('file', Buffer.alloc(200_000, 'x'));
  const tree = await room.putTree('tree', [{ name: 'd/f', text: 'text' }]);
  expect(await room.put('file', Buffer.alloc(200_000, 'x'))).toEqual(file);
  await room.assets.putAt(tree, room.at('tree'), { writable: false, signal });
  expect(fs.readFileSync(room.at('tree/d/f'), 'utf8')).toBe('text');
  expect(room.below('contents/coming')).toEqual([]);
});
