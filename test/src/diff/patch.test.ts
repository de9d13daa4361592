import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { diffOf, patchOf } from '../../../src/diff/diff.ts';
import { git, gitDiff, patchText, seenByGit, type Tree, treeRoom } from '../../helpers/listed-trees.ts';

const numbered = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, at) => `${from + at}\n`).join('');

describe('byte for byte what git writes', () => {
  const cases: Record<string, [Tree, Tree]> = {
    'a change': [
      { a: { file: numbered(1, 30) } },
      { a: { file: `${numbered(1, 15)}x\n${numbered(16, 30)}` } },
    ],
    'changes near and far': [
      { a: { file: numbered(1, 60) } },
      { a: { file: `0\n${numbered(1, 7)}${numbered(8, 30)}new\n${numbered(30, 50)}${numbered(52, 60)}` } },
    ],
    'a function that comes': [
      { a: { file: '{\n  one\n}\n\n{\n  three\n}\n' } },
      { a: { file: '{\n  one\n}\n\n{\n  two\n}\n\n{\n  three\n}\n' } },
    ],
    'one line of one': [{ a: { file: 'x\n' } }, { a: { file: 'y\n' } }],
    'no newline before': [{ a: { file: 'x\ny' } }, { a: { file: 'x\ny\n' } }],
    'no newline after': [{ a: { file: 'x\ny\n' } }, { a: { file: 'x\ny' } }],
    'no newline in what stays': [{ a: { file: 'x\ny' } }, { a: { file: 'z\ny' } }],
    'line ends of others': [{ a: { file: 'x\r\ny\f\nz\r' } }, { a: { file: 'x\r\nY\f\nz\r' } }],
    'only newlines': [{ a: { file: '\n\n\n' } }, { a: { file: '\n' } }],
    'a new file': [{}, { 'a/b': { file: 'x\ny\n', mode: 0o755 } }],
    'a file that went': [{ 'a/b': { file: 'x\ny' } }, {}],
    'an empty file': [{ a: { file: '' } }, { b: { file: '' } }],
    'emptied and filled': [
      { a: { file: 'x' }, b: { file: '' } },
      { a: { file: '' }, b: { file: 'x' } },
    ],
    modes: [
      { a: { file: 'x' }, b: { file: 'x' } },
      { a: { file: 'x', mode: 0o700 }, b: { file: 'y', mode: 0o755 } },
    ],
    links: [
      { a: { link: 'x' }, b: { link: 'x' } },
      { a: { link: 'y\nz' }, c: { link: 'ä' } },
    ],
    'a link in place of a file': [{ a: { file: 'x' } }, { a: { link: 'x' } }],
    binary: [
      { a: { file: Buffer.from('a\0b') }, b: { file: 'text' }, c: { file: Buffer.from('c\0') } },
      {
        a: { file: Buffer.alloc(200, 'xyz\0') },
        b: { file: Buffer.from('\0') },
        d: { file: Buffer.from('\0\0') },
      },
    ],
    names: [
      {},
      Object.fromEntries(
        ['a b', 'tab\t', 'new\nline', 'quote"', 'back\\slash', 'ä😀', '\x01\x7f', "'", 'a b c', '-'].map(
          (name) => [name, { file: 'x\n' }],
        ),
      ),
    ],
  };
  test.each(Object.entries(cases))('%s', async (_, [from, to]) => {
    using room = treeRoom();
    const own = await patchText(room, room.keep(from), room.keep(to));
    expect(own.toString()).toBe(
      gitDiff(room.write(from), room.write(to), '--binary', '--no-indent-heuristic'),
    );
    expect(own.length).toBeGreaterThan(0);
  });
});

async function appliesBothWays(from: Tree, to: Tree): Promise<Buffer> {
  using room = treeRoom();
  const patch = await patchText(room, room.keep(from), room.keep(to));
  const [a, b] = [room.write(from), room.write(to)];
  const [before, after] = [seenByGit(a), seenByGit(b)];
  git(a, ['apply', '-'], patch);
  git(b, ['apply', '-R', '-'], patch);
  expect(seenByGit(a)).toEqual(after);
  expect(seenByGit(b)).toEqual(before);
  return patch;
}

const typed = {
  file: { a: { file: 'x\n' } },
  link: { a: { link: 'y' } },
  directory: { 'a/b': { file: 'z' } },
} satisfies Record<string, Tree>;
test.each([
  ['file', 'link'],
  ['file', 'directory'],
  ['link', 'directory'],
] as const)('a %s becomes a %s, and back', async (one, other) => {
  await appliesBothWays(typed[one], typed[other]);
  await appliesBothWays(typed[other], typed[one]);
});

test('names of which git loses spaces where it writes them itself', async () => {
  const names = [' a', 'a ', 'a  b', ' ', '  ', 'd / e', ' d/e', 'd /e ', 'a\t', ' \n'];
  const tree = (mode: number): Tree => Object.fromEntries(names.map((name) => [name, { file: '', mode }]));
  await appliesBothWays({}, tree(0o644));
  await appliesBothWays(tree(0o644), tree(0o755));
});

test('large contents go as binary, in pieces', async () => {
  const [old, now] = [randomBytes(3_000_001), `${'text\n'.repeat(400_000)}`];
  const patch = await appliesBothWays(
    { a: { file: old }, b: { file: old } },
    { a: { file: now }, c: { file: old } },
  );
  expect(patch.toString()).toContain(`GIT binary patch\nliteral ${now.length}\n`);

  using room = treeRoom();
  let most = 0;
  for await (const piece of patchOf(room, room.keep({}), room.keep({ a: { file: old } })))
    most = Math.max(most, piece.length);
  expect(most).toBeLessThan(2 ** 18);
});

test.each([1, 25, 26, 27, 51, 52, 53, 104, 1000])(
  'binaries whose last line has any length: %s',
  async (size) => {
    await appliesBothWays({}, { a: { file: Buffer.concat([Buffer.alloc(1), randomBytes(size)]) } });
  },
);

test('texts that take too long to compare are replaced, and still apply', async () => {
  const line = (at: number): string => `${(at * 7919) % 20_011}\n`;
  const from = Array.from({ length: 20_000 }, (_, at) => line(at)).join('');
  const to = Array.from({ length: 20_000 }, (_, at) => line(at * 31)).join('');
  await appliesBothWays({ a: { file: from } }, { a: { file: to } });
});

test('of a path that git refuses the patch says that it is left out, and the rest applies', async () => {
  const refused = ['.git/config', 'deep/.GIT/x', 'git~1', 'a\\.git', '.git .', '.gi\u200ct/x'];
  const to: Tree = Object.fromEntries(refused.map((path) => [path, { file: 'x\n' }]));
  using room = treeRoom();
  const [from, whole] = [
    room.keep({}),
    room.keep({ ...to, '.gitmodules': { link: 'x' }, ok: { file: 'x\n' } }),
  ];
  const patch = await patchText(room, from, whole);
  const root = room.directory();
  git(root, ['apply', '-'], patch);
  expect(Object.keys(seenByGit(root))).toEqual(['ok']);
  expect(patch.toString().match(/^# left out, .*$/gm)).toHaveLength(7);
  expect(patch.toString()).toContain('# left out, git takes no patch of a path like this: .git/config\n');
  const { files } = await diffOf(room, from, whole, { limit: 10, patch: true });
  expect(
    files.filter(({ patch_omitted }) => patch_omitted === 'git takes no patch of a path like this'),
  ).toHaveLength(7);
});

test('who stops reading leaves nothing open', async () => {
  using room = treeRoom();
  const reading = patchOf(room, room.keep({}), room.keep({ a: { file: randomBytes(2 ** 22) } }));
  for (let pieces = 0; pieces < 3; pieces++) await reading.next();
  await reading.return(undefined);
  await expect.poll(() => room.openNow()).toBe(0);
});

test('a content that is no longer there breaks the patch off', async () => {
  using room = treeRoom();
  const to = room.keep({ a: { file: 'x' }, b: { file: Buffer.alloc(2 ** 21) } });
  room.forgetAll();
  await expect(patchText(room, room.keep({}), to)).rejects.toMatchObject({ code: 'gone' });
});

test.each([5, 2 ** 20 + 5])(
  'a content of %s bytes that is shorter than it was is not taken for whole',
  async (size) => {
    using room = treeRoom();
    const file = 'x'.repeat(size);
    const [from, to] = [room.keep({}), room.keep({ a: { file } })];
    room.shorten(createHash('sha256').update(file).digest('hex'));
    await expect(patchText(room, from, to)).rejects.toThrow('shorter');
    expect(room.openNow()).toBe(0);
  },
);
