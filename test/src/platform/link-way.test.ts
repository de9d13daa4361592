import { expect, test } from 'vitest';
import { followLinks, LinkLoop } from '../../../src/platform/link-way.ts';

const links: Record<string, string> = {
  '/a/abs': '/b/c',
  '/a/rel': '../b/c',
  '/a/chain': 'abs/../d',
  '/a/loop': 'loop',
  '/a/empty': '',
  '/root': '/',
  ...Object.fromEntries(Array.from({ length: 41 }, (_, n) => [`/n${n}`, n === 0 ? '/end' : `/n${n - 1}`])),
};
const follow = (path: string) => followLinks(path, (at) => links[at] ?? null);

test.each([
  ['/', '/'],
  ['/x/./y//z/', '/x/y/z'],
  ['/../../x', '/x'],
  ['/a/abs', '/b/c'],
  ['/a/rel/x', '/b/c/x'],
  ['/a/abs/..', '/b'],
  ['/a/chain', '/b/d'],
  ['/root/root/x', '/x'],
  ['/n39', '/end'],
])('%s leads to %s', async (path, end) => {
  expect(await follow(path)).toBe(end);
});

test.each(['/a/loop', '/n40'])('%s leads nowhere in forty steps', async (path) => {
  await expect(follow(path)).rejects.toThrow(LinkLoop);
});
