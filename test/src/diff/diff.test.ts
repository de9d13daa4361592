import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { diffOf } from '../../../src/diff/diff.ts';
import { Diff } from '../../../src/documents/snapshot.ts';
import { type Tree, type TreeRoom, treeRoom } from '../../helpers/listed-trees.ts';

const ALL = { limit: 1000, patch: true };
const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');

async function differ(
  from: Tree,
  to: Tree,
  options: { limit: number; after?: string; patch: boolean } = ALL,
): Promise<Diff> {
  using room = treeRoom();
  return await diffOf(room, room.keep(from), room.keep(to), options);
}

test('files that came, went, changed or only have another mode are told in the order of paths', async () => {
  const diff = await differ(
    {
      'a/gone': { file: '1\n2\n' },
      'a/same': { file: 'x' },
      'a.txt': { file: 'one\ntwo\nthree\n' },
      run: { file: '#!\n' },
    },
    {
      'a/same': { file: 'x' },
      'a.txt': { file: 'one\n2\n3\nthree\n', mode: 0o600 },
      run: { file: '#!\n', mode: 0o755 },
      'z/ä': { file: 'new' },
    },
  );
  expect(Diff.parse(diff)).toEqual(diff);
  expect(diff.files.map(({ path, change, type }) => [path, change, type])).toEqual([
    ['a/gone', 'deleted', 'file'],
    ['a.txt', 'modified', 'file'],
    ['run', 'mode_changed', 'file'],
    ['z/ä', 'created', 'file'],
  ]);
  expect(diff.files[1]).toMatchObject({
    old: { size_bytes: 14, sha256: sha256('one\ntwo\nthree\n'), mode: '0644' },
    new: { size_bytes: 14, sha256: sha256('one\n2\n3\nthree\n'), mode: '0600' },
    binary: false,
    lines_added: 2,
    lines_removed: 1,
    patch: expect.stringContaining('--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,4 @@\n one\n-two\n+2\n+3\n three\n'),
  });
  expect(diff.files[2]?.patch).toBe('diff --git a/run b/run\nold mode 100644\nnew mode 100755\n');
  expect(diff.files[3]).toMatchObject({ old: null, lines_added: 1, lines_removed: 0 });
  expect(diff.files[3]?.patch).toContain('+new\n\\ No newline at end of file\n');
  expect(diff).toMatchObject({
    stats: {
      created: 1,
      deleted: 1,
      modified: 1,
      mode_changed: 1,
      lines_added: 3,
      lines_removed: 3,
      uncounted: 0,
    },
    next_cursor: null,
  });
});

test('trees that are the same do not differ', async () => {
  const tree: Tree = { a: { file: 'x' }, b: { link: 'a' }, c: { directory: 0o755 } };
  const { stats, files } = await differ(tree, { ...tree });
  expect(files).toEqual([]);
  expect(Object.values(stats).every((count) => count === 0)).toBe(true);
});

test('a mode that git does not know is told, and why there is no patch', async () => {
  const { files } = await differ({ a: { file: 'x' } }, { a: { file: 'x', mode: 0o640 } });
  expect(files).toEqual([
    {
      path: 'a',
      change: 'mode_changed',
      type: 'file',
      old: { size_bytes: 1, sha256: sha256('x'), mode: '0644' },
      new: { size_bytes: 1, sha256: sha256('x'), mode: '0640' },
      binary: false,
      lines_added: 0,
      lines_removed: 0,
      patch_omitted: 'of modes git knows only whether the owner may execute it',
    },
  ]);
});

test('of a link the text is compared, in bytes', async () => {
  const { files } = await differ({ l: { link: 'ä' } }, { l: { link: 'b/c' } });
  expect(files[0]).toMatchObject({
    change: 'modified',
    type: 'link',
    old: { size_bytes: 2, sha256: sha256('ä'), mode: '0777' },
    new: { size_bytes: 3, sha256: sha256('b/c'), mode: '0777' },
    lines_added: 1,
    lines_removed: 1,
  });
  expect(files[0]?.patch).toMatch(/ 120000\n--- a\/l\n/);
});

test('another type under the same name is one change, and two patches where git knows both', async () => {
  const { files, stats } = await differ(
    { a: { file: '1\n2\n' }, b: { link: 'x' }, c: { file: 'c\n' }, 'd/e': { file: 'e\n' } },
    { a: { link: 'x' }, b: { file: 'b\n' }, c: { directory: 0o755 }, d: { file: 'd\n' } },
  );
  expect(
    files.map(({ path, change, type, lines_added, lines_removed }) => [
      path,
      change,
      type,
      lines_added,
      lines_removed,
    ]),
  ).toEqual([
    ['a', 'modified', 'link', 1, 2],
    ['b', 'modified', 'file', 1, 1],
    ['c', 'modified', 'directory', 0, 1],
    ['d', 'modified', 'file', 1, 0],
    ['d/e', 'deleted', 'file', 0, 1],
  ]);
  expect(files[0]?.patch).toMatch(
    /^diff --git a\/a b\/a\ndeleted file mode 100644\n[\s\S]*\ndiff --git a\/a b\/a\nnew file mode 120000\n/,
  );
  expect(files[2]).toMatchObject({
    new: { size_bytes: 0, sha256: null, mode: '0755' },
    patch: expect.stringMatching(/^diff --git a\/c b\/c\ndeleted file/),
  });
  expect(stats).toMatchObject({ modified: 4, deleted: 1, lines_added: 3, lines_removed: 5 });
});

test('of directories, empty ones that came or went are told, and modes; git knows none of it', async () => {
  const { files } = await differ(
    {
      'gone/empty': { directory: 0o755 },
      'emptied/f': { file: '' },
      private: { directory: 0o755 },
      'private/f': { file: '' },
    },
    {
      emptied: { directory: 0o755 },
      'full/f': { file: '' },
      'full.empty': { directory: 0o700 },
      private: { directory: 0o700 },
      'private/f': { file: '' },
    },
  );
  expect(files.map(({ path, change, type }) => `${path} ${change} ${type}`)).toEqual([
    'emptied/f deleted file',
    'full/f created file',
    'full.empty created directory',
    'gone/empty deleted directory',
    'private mode_changed directory',
  ]);
  expect(files[2]).toEqual({
    path: 'full.empty',
    change: 'created',
    type: 'directory',
    old: null,
    new: { size_bytes: 0, sha256: null, mode: '0700' },
    binary: false,
    lines_added: 0,
    lines_removed: 0,
    patch_omitted: 'git knows no directories',
  });
});

test.each([
  ['a NUL', Buffer.from('a\0b')],
  ['half a character', Buffer.from([0x61, 0xc3])],
  ['latin1', Buffer.from('ä', 'latin1')],
])('%s is binary: its lines are not counted and there is no patch', async (_, file) => {
  const { files, stats } = await differ({ a: { file: 'text\n' } }, { a: { file } });
  expect(files[0]).toMatchObject({
    binary: true,
    lines_added: null,
    lines_removed: null,
    patch_omitted: 'it is binary',
  });
  expect(stats).toMatchObject({ modified: 1, lines_added: 0, lines_removed: 0, uncounted: 0 });
});

test('what is over 1 MiB has no lines and no patch and says why; 1 MiB has both', async () => {
  const large = `${'x'.repeat(2 ** 20)}\n`;
  const { files, stats } = await differ(
    { a: { file: large }, b: { file: '' }, c: { file: large }, d: { file: 'd' } },
    {
      a: { file: `${large}y` },
      b: { file: large.slice(1) },
      c: { file: large, mode: 0o755 },
      d: { file: Buffer.alloc(2 ** 21) },
    },
  );
  expect(files.map(({ patch, ...file }) => ({ ...file, patch: patch?.length }))).toMatchObject([
    { binary: false, lines_added: null, lines_removed: null, patch_omitted: 'it is over 1 MiB' },
    { binary: false, lines_added: 1, lines_removed: 0, patch: expect.any(Number) },
    { binary: false, lines_added: 0, lines_removed: 0, patch: expect.any(Number) },
    { binary: true, lines_added: null, lines_removed: null, patch_omitted: 'it is over 1 MiB' },
  ]);
  expect(stats).toMatchObject({ lines_added: 1, uncounted: 2 });
});

test('a character that is cut where one stops to look at a large text does not make it binary', async () => {
  for (let before = 0; before < 4; before++) {
    const file = 'x'.repeat(before) + '😀'.repeat(2 ** 19);
    const { files } = await differ({}, { a: { file } });
    expect(files[0]).toMatchObject({ binary: false, patch_omitted: 'it is over 1 MiB' });
  }
});

test('without patches there is no word of them', async () => {
  const { files } = await differ(
    { b: { file: 'x' } },
    { a: { file: 'x\n' }, b: { file: '\0' } },
    { limit: 10, patch: false },
  );
  expect(files.map((file) => Object.keys(file).filter((key) => key.startsWith('patch')))).toEqual([[], []]);
  expect(files.map(({ lines_added }) => lines_added)).toEqual([1, null]);
});

test('pages join to the whole, each with the stats of all', async () => {
  const tree = (text: string): Tree =>
    Object.fromEntries(
      Array.from({ length: 23 }, (_, at) => [`${at % 3}/ä${at}`, { file: `${text}${at}\n` }]),
    );
  using room = treeRoom();
  const [from, to] = [room.keep(tree('old')), room.keep({ ...tree('new'), '3/empty': { directory: 0o755 } })];
  const whole = await diffOf(room, from, to, ALL);
  for (const limit of [1, 5, 24, 25]) {
    const paths: string[] = [];
    let after: string | null = '';
    while (after !== null) {
      const page: Diff = await diffOf(room, from, to, {
        limit,
        patch: true,
        ...(after === '' ? {} : { after }),
      });
      expect(page.stats).toEqual(whole.stats);
      expect(page.files).toEqual(whole.files.slice(paths.length, paths.length + limit));
      paths.push(...page.files.map(({ path }) => path));
      after = page.next_cursor;
    }
    expect(paths).toHaveLength(24);
  }
  expect(whole.stats).toMatchObject({ modified: 23, created: 1, lines_added: 23, lines_removed: 23 });
});

test('behind a page nothing is read once the stats are known', async () => {
  using room = treeRoom();
  const to = room.keep(
    Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`${at}`, { file: `${at}\n` }])),
  );
  const from = room.keep({});
  const first = await diffOf(room, from, to, { limit: 2, patch: true });
  expect(room.opened).toBe(50);
  const next = await diffOf(room, from, to, { limit: 2, patch: true, after: first.next_cursor ?? '' });
  expect(room.opened).toBe(52);
  expect(next.stats).toEqual(first.stats);
});

test('a page ends where its patches get long', async () => {
  const file = `${'x'.repeat(2 ** 20 - 1)}\n`;
  const tree = Object.fromEntries(
    Array.from({ length: 6 }, (_, at) => [`${at}`, { file: `${at}${file.slice(1)}` }]),
  );
  using room = treeRoom();
  const [from, to] = [room.keep({}), room.keep(tree)];
  const page = await diffOf(room, from, to, ALL);
  expect(page.files.map(({ path }) => path)).toEqual(['0', '1', '2', '3']);
  expect(page.next_cursor).toBe('3');
  const last = await diffOf(room, from, to, { ...ALL, after: '3' });
  expect(last.files.map(({ path }) => path)).toEqual(['4', '5']);
  expect(last.next_cursor).toBe(null);
});

test('a page ends where much was read for its patches, and only there', async () => {
  const binary = (at: number): { file: Buffer } => ({ file: Buffer.alloc(2 ** 20, `\0${at}`) });
  const tree = Object.fromEntries(
    Array.from({ length: 66 }, (_, at) => [`${at}`.padStart(2, '0'), binary(at)]),
  );
  using room = treeRoom();
  const [from, to] = [room.keep({}), room.keep(tree)];
  const page = await diffOf(room, from, to, ALL);
  expect(page.files).toHaveLength(64);
  expect(page.next_cursor).toBe('63');
  const without = await diffOf(room, from, to, { ...ALL, patch: false });
  expect(without.files).toHaveLength(66);
  expect(without.next_cursor).toBe(null);
});

test('lines are counted of the first 64 MiB, and how many were not is said, on every page', async () => {
  const large = (at: number): { file: string } => ({ file: `${at}`.padEnd(2 ** 20, 'x') });
  const tree = Object.fromEntries(
    Array.from({ length: 66 }, (_, at) => [`${at}`.padStart(2, '0'), large(at)]),
  );
  using room = treeRoom();
  const [from, to] = [room.keep({}), room.keep({ ...tree, '99': { file: 'small\n' } })];
  const first = await diffOf(room, from, to, { limit: 1, patch: false });
  expect(first.stats).toMatchObject({ created: 67, lines_added: 64, uncounted: 3 });
  expect(first.files[0]).toMatchObject({ lines_added: 1 });
  const late = await diffOf(room, from, to, { limit: 9, patch: true, after: '62' });
  expect(late.files.map(({ path, lines_added, patch }) => [path, lines_added, patch !== undefined])).toEqual([
    ['63', 1, true],
    ['64', null, true],
    ['65', null, true],
    ['99', null, true],
  ]);
  expect(late.stats).toEqual(first.stats);
});

test('a content that is no longer there is an error that says which', async () => {
  using room: TreeRoom = treeRoom();
  const [from, to] = [room.keep({}), room.keep({ 'a/b': { file: 'lost' } })];
  room.forget(sha256('lost'));
  await expect(diffOf(room, from, to, ALL)).rejects.toMatchObject({
    code: 'gone',
    message: 'the content of a/b is no longer kept',
  });
});

test('who is gone is not counted for any longer', async () => {
  using room = treeRoom();
  const to = room.keep(
    Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`${at}`, { file: `${at}` }])),
  );
  const leaving = new AbortController();
  const content = (sha256: string): number | null => {
    leaving.abort();
    return room.content(sha256);
  };
  const contents = { listed: room.listed, content };
  const answer = diffOf(contents, room.keep({}), to, { limit: 1, patch: false, signal: leaving.signal });
  await expect(answer).rejects.toThrow('aborted');
  expect(room.opened).toBe(1);
});
