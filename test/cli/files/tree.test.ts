import { expect, test } from 'vitest';
import { globsBelow } from '../../../cli/files/tree.ts';
import { compileGlob, startOf, stepAtOnce } from '../../../src/artifacts/glob.ts';

test('a directory is asked for by few globs, with what begins with a dot at any depth', () => {
  const paths = ['d/a', 'd/b/c', 'd/.env', 'd/.git', 'd/.git/x', 'd/b/.x/.y/z', 'd/b/.x/.y/w'];
  expect(globsBelow('d', paths)).toEqual(['{d/**,d/.env,d/.git,d/.git/**,d/b/.x/.y/**}']);
  expect(globsBelow('d', ['d/a'])).toEqual(['d/**']);
});

test('many names that begin with a dot are several globs, none longer than is taken', () => {
  const paths = Array.from({ length: 500 }, (_, at) => `d/.${at}${'x'.repeat(at % 50)}`);
  const globs = globsBelow('d', paths);
  expect(Math.max(...globs.map((glob) => glob.length))).toBeLessThanOrEqual(1000);
  const alternatives = globs.flatMap((glob) => glob.slice(1, -1).split(','));
  expect(alternatives).toEqual(['d/**', ...paths]);
});

test('globs of paths with signs of globs match these paths alone', () => {
  const paths = ['d/.{a,b}*?[x]!\\', 'd/.b/{,}', 'd/.c,d/e'];
  const matched = (path: string): boolean =>
    globsBelow('d', paths).some((glob) => {
      let at = startOf(compileGlob(glob));
      return path.split('/').reduce((_, name) => {
        const next = stepAtOnce(at, name);
        at = next.below;
        return next.matched.length > 0;
      }, false);
    });
  expect(paths.filter(matched)).toEqual(paths);
  expect(['d/.aZZx!', 'd/.b', 'e/.b/x', 'd/.c', 'd/.d/e', 'd'].filter(matched)).toEqual([]);
});
