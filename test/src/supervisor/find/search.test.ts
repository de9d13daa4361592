import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test, vi } from 'vitest';
import type { Marks } from '../../../../src/supervisor/find/marks.ts';
import * as proc from '../../../../src/supervisor/find/proc.ts';
import { ProcessSearch } from '../../../../src/supervisor/find/search.ts';
import { requires } from '../../../helpers/require.ts';

// Real looks at a real /proc, counted; one that fails for want of descriptors cannot be brought about for this call alone.
vi.mock(import('../../../../src/supervisor/find/proc.ts'), async (original) => {
  const module = await original();
  return { ...module, processIds: vi.fn(module.processIds) };
});
afterEach(() => void vi.mocked(proc.processIds).mockClear());

const marks = (leader: number | null): Marks => ({
  run: `no-such-run-${leader}`,
  leader,
  leaderGoneAt: null,
  mark: null,
});

requires('linux')('A search for the processes of runs', () => {
  test('is one look for all who ask in the same turn, and gives each its own', async () => {
    const children = [0, 1].map(() => spawn('sleep', ['60'], { detached: true, stdio: 'ignore' }));
    const pids = children.map(({ pid }) => pid ?? 0);
    try {
      await Promise.all(children.map((child) => once(child, 'spawn')));
      const search = new ProcessSearch();
      const found: number[][] = [[], [], []];
      const counts = await Promise.all(
        [...pids, null].map((leader, i) =>
          search.each(marks(leader), new Map(), ({ pid }) => void found[i]?.push(pid)),
        ),
      );
      expect(counts).toEqual([1, 1, 0]);
      expect(found).toEqual([[pids[0]], [pids[1]], []]);
      // The whole of /proc once, and once more for those that were born meanwhile, until there are none.
      const looks = vi.mocked(proc.processIds).mock.calls.length;
      expect(looks).toBeGreaterThan(0);
      expect(looks).toBeLessThanOrEqual(20);
    } finally {
      for (const child of children) child.kill('SIGKILL');
    }
  });

  test('gives all who ask for the same what there is of it', async () => {
    const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    try {
      await once(child, 'spawn');
      const search = new ProcessSearch();
      const found: number[] = [];
      const asked = [1, 2, 3].map(() =>
        search.each(marks(child.pid ?? 0), new Map(), ({ pid }) => void found.push(pid)),
      );
      expect(await Promise.all(asked)).toEqual([1, 1, 1]);
      expect(found).toEqual([child.pid, child.pid, child.pid]);
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('that cannot look tells all who asked', async () => {
    const search = new ProcessSearch();
    vi.mocked(proc.processIds).mockImplementationOnce(() => {
      throw new Error('EMFILE: too many open files');
    });
    const asked = [1, 2].map((leader) => search.each(marks(leader), new Map(), () => {}));
    for (const answer of asked) await expect(answer).rejects.toThrow('EMFILE');
    expect(await search.each(marks(null), new Map(), () => {})).toBe(0);
  });
});
