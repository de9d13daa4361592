import { expect, test } from 'vitest';
import { leadsOut } from '../../../cli/files/leads-out.ts';

const among = (links: Record<string, string>) => (path: string) => leadsOut(path, (at) => links[at] ?? null);

test.each([
  ['a', '/etc', true],
  ['a', '..', true],
  ['a', 'b/../..', true],
  ['a/b', '..', false],
  ['a/b', '../..', true],
  ['a', 'b/../c', false],
  ['a', '.', false],
  ['a', 'a', false],
])('the link %s → %s leads out: %s', (path, target, out) => {
  expect(among({ [path]: target })(path)).toBe(out);
});

test('a link may lead out over another, whose text stays inside', () => {
  const out = among({ 'a/up': '..', b: 'a/up/..', c: 'a/up/d' });
  expect(out('a/up')).toBe(false);
  expect(out('b')).toBe(true);
  expect(out('c')).toBe(false);
});
