import fc from 'fast-check';
import { expect, test } from 'vitest';
import { git, patchText, seenByGit, type Tree, treeRoom } from '../helpers/listed-trees.ts';

const lines = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'c', '', '}', '  x = 1;') },
      fc.constantFrom(
        '\r',
        'CR\r',
        '\f',
        '\v',
        '\u2028',
        '\ufeff',
        'ä€😀',
        ' ',
        '\t',
        '\\ No newline at end of file',
      ),
      fc.constantFrom(
        '--- a/a',
        '+++ b/a',
        '@@ -1 +1 @@',
        'diff --git a/a b/a',
        '# left out',
        'GIT binary patch',
        '-- ',
      ),
    ),
    { maxLength: 30 },
  )
  .chain((all) => fc.constantFrom(all.join('\n'), `${all.join('\n')}\n`));
const content = fc.oneof(
  { weight: 8, arbitrary: lines },
  fc.constantFrom(
    '',
    '\n',
    '\n\n\n\n',
    'x',
    'x\n',
    Buffer.from([0xff]),
    Buffer.from([0xc3]),
    Buffer.from('a\0b\n'),
  ),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.nat(2000).map((count) => Buffer.alloc(count, 'zyx\0')),
);
const name = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('a', 'b', 'c', 'd') },
  fc.constantFrom(
    'a b',
    ' a',
    'a ',
    '  ',
    'a\tb',
    '"',
    'a"b',
    "'",
    '\\',
    'a\\b',
    'a\nb',
    '\n',
    '\r',
    '\x01',
    '\x7f',
    'ä',
    '😀',
  ),
  fc.constantFrom(
    'dev',
    'null',
    'a.',
    '-',
    '--',
    '-p',
    '*',
    '?',
    ' b',
    'b a',
    '{a => b}',
    '.gitignore',
    '.gitmodules',
    '#',
    '\u2028',
  ),
);
const anyName = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 8 })
  .map((text) => text.toWellFormed().replaceAll(/[/\0]/g, ' '))
  .filter((text) => text !== '.' && text !== '..');
const path = fc
  .array(fc.oneof({ weight: 6, arbitrary: name }, anyName), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'));
const thing: fc.Arbitrary<Tree[string]> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ file: content, mode: fc.constantFrom(0o644, 0o755, 0o600, 0o700, 0o666, 0o640) }),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('x', '../x', '/nowhere', 'x y\n', 'two\nlines', 'ä/x')
      .map((link) => ({ link })),
  },
);
const entries = fc.array(fc.tuple(path, thing), { maxLength: 8 });

/** Nothing below what is no directory. No link leads anywhere: git looks through one that becomes a directory. A link named .gitmodules is refused by git, and tested elsewhere. */
function treeOf(all: [string, Tree[string]][]): Tree {
  const tree: Tree = {};
  for (const [at, value] of all) {
    const hides = (one: string, other: string): boolean => one === other || other.startsWith(`${one}/`);
    if (Object.keys(tree).some((path) => hides(path, at) || hides(at, path))) continue;
    if ('link' in value && at.split('/').includes('.gitmodules')) continue;
    tree[at] = value;
  }
  return tree;
}

/** Two trees that have much in common: what is left of the first, in part with another content, and what is new. */
const trees = fc
  .record({
    first: entries,
    fate: fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, fc.constant('goes'), thing), {
      maxLength: 8,
    }),
    added: entries,
  })
  .map(({ first, fate, added }) => {
    const from = treeOf(first);
    const left = Object.entries(from).flatMap(([at, value], index): [string, Tree[string]][] => {
      const becomes = fate[index] ?? null;
      if (becomes === 'goes') return [];
      return [[at, becomes ?? value]];
    });
    return { from, to: treeOf([...added, ...left]) };
  });

test('git apply makes the second tree of the first, and -R the first of the second, in a repository and without one', async () => {
  await fc.assert(
    fc.asyncProperty(trees, fc.boolean(), async ({ from, to }, inRepository) => {
      using room = treeRoom();
      const patch = await patchText(room, room.keep(from), room.keep(to));
      const [a, b] = [room.write(from), room.write(to)];
      const [before, after] = [seenByGit(a), seenByGit(b)];
      if (inRepository) for (const root of [a, b]) git(root, ['init', '-q']);
      const empty = ['--allow-empty', '--whitespace=nowarn'];
      if (inRepository) git(a, ['apply', ...empty, '--check', '-'], patch);
      git(a, ['apply', ...empty, '-'], patch);
      expect(seenByGit(a)).toEqual(after);
      git(b, ['apply', ...empty, '-R', '-'], patch);
      expect(seenByGit(b)).toEqual(before);
    }),
    { numRuns: 60 },
  );
});
