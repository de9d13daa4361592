import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ArtifactIds } from '../../../src/artifacts/ids.ts';

test('ids read like the paths they are made from', () => {
  const ids = new ArtifactIds(['log.txt']);
  const paths = [
    'out/report.json',
    'out report.json',
    'OUT_REPORT.json',
    '.env',
    '..',
    '日本',
    'stdout',
    'Setup_stderr',
    'log.txt',
  ];
  expect(paths.map((path) => ids.make(path))).toEqual([
    'out_report.json',
    'out_report-2.json',
    'OUT_REPORT-3.json',
    '_env',
    '_.',
    '_',
    'stdout-2',
    'Setup_stderr-2',
    'log-2.txt',
  ]);
});

test('any list of paths gets ids that are unique, safe in URLs and file systems, and the same again', () => {
  const path = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('stdout', 'STDERR', 'a b', 'a_b', 'a/b', 'a_b-2', '.', '..', '', 'x'.repeat(300)),
    fc.string({ unit: fc.constantFrom('a', 'A', '.', '-', '2', '/') }),
  );
  fc.assert(
    fc.property(fc.array(path, { maxLength: 60 }), (paths) => {
      const ids = new ArtifactIds();
      const made = paths.map((one) => ids.make(one));
      for (const id of made) {
        expect(id).toMatch(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/);
        expect(encodeURIComponent(id)).toBe(id);
        expect(['stdout', 'stderr']).not.toContain(id.toLowerCase());
      }
      expect(new Set(made.map((id) => id.toLowerCase())).size).toBe(paths.length);
      const again = new ArtifactIds();
      expect(paths.map((one) => again.make(one))).toEqual(made);
    }),
  );
});

test('many paths that look the same do not slow down', () => {
  const ids = new ArtifactIds();
  const made = new Set(Array.from({ length: 50_000 }, () => ids.make('é'.repeat(200))));
  expect(made.size).toBe(50_000);
});
