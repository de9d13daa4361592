import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diffOf } from '../../src/diff/diff.ts';
import { gitDiff, patchText, type Tree, treeRoom } from '../helpers/listed-trees.ts';

const text = fc
  .array(fc.constantFrom('a', 'b', 'c', 'd', '', '}'), { maxLength: 60 })
  .chain((lines) => fc.constantFrom(lines.join('\n'), lines.map((line) => `${line}\n`).join('')));
const tree: fc.Arbitrary<Tree> = fc
  .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f/g', 'f/h'), text), {
    selector: ([path]) => path,
  })
  .map((files) => Object.fromEntries(files.map(([path, file]) => [path, { file }])));

test('lines that came and went are no more than git counts at its best, in each file, and are summed up', async () => {
  await fc.assert(
    fc.asyncProperty(tree, tree, async (from, to) => {
      using room = treeRoom();
      const diff = await diffOf(room, room.keep(from), room.keep(to), { limit: 100, patch: false });
      const git = new Map(
        gitDiff(room.write(from), room.write(to), '--numstat', '--minimal')
          .split(/(?<=\n)/)
          .filter((line) => line !== '')
          .map((line) => line.trimEnd().split('\t'))
          .map(([added, removed, path = '']) => [path, [Number(added), Number(removed)]]),
      );
      expect(diff.files.map(({ path }) => path).sort()).toEqual([...git.keys()].sort());
      for (const { path, lines_added: added, lines_removed: removed } of diff.files) {
        const [gitAdded = 0, gitRemoved = 0] = git.get(path) ?? [];
        // git leaves out of its search lines that stand in one side more often, and finds some changes a line too long.
        expect({ path, fewest: (added ?? Infinity) <= gitAdded }).toEqual({ path, fewest: true });
        expect((added ?? 0) - (removed ?? 0)).toBe(gitAdded - gitRemoved);
      }
      const sum = (key: 'lines_added' | 'lines_removed'): number =>
        diff.files.reduce((all, file) => all + (file[key] ?? 0), 0);
      expect(diff.stats).toMatchObject({
        lines_added: sum('lines_added'),
        lines_removed: sum('lines_removed'),
      });
    }),
    { numRuns: 25 },
  );
});

test('the patches of all pages are together the whole patch', async () => {
  await fc.assert(
    fc.asyncProperty(tree, tree, fc.integer({ min: 1, max: 4 }), async (one, other, limit) => {
      using room = treeRoom();
      const [from, to] = [room.keep(one), room.keep(other)];
      let [patches, after] = ['', null as string | null];
      do {
        const page = await diffOf(room, from, to, {
          limit,
          patch: true,
          ...(after === null ? {} : { after }),
        });
        patches += page.files.map(({ patch }) => patch).join('');
        after = page.next_cursor;
      } while (after !== null);
      expect(patches).toBe((await patchText(room, from, to)).toString());
    }),
    { numRuns: 60 },
  );
});
