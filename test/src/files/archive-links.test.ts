import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkLinks } from '../../../src/files/archive-links.ts';
import { unpackInto } from '../../../src/files/exchange.ts';
import { Staging } from '../../../src/files/staging.ts';
import { unpack } from '../../../src/files/unpack.ts';

let place: string;
let root: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'runwire-links-'));
  root = join(place, 'root');
  for (const name of ['root', 'beside']) mkdirSync(join(place, name));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

const CAPS = { bytes: 1e6, files: 1000 };
/** A link by its path and what it says; a second name of a path; a file. */
type Line = [path: string, target: string] | [path: string, target: string, 'second name'] | [path: string];

async function tar(lines: readonly Line[]): Promise<Buffer> {
  const packing = pack();
  for (const [name, linkname, second] of lines)
    if (linkname === undefined) packing.entry({ name }, 'x');
    else packing.entry({ name, linkname, type: second ? 'link' : 'symlink' });
  packing.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packing) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Into a tree that is there. */
async function put(lines: readonly Line[], into: readonly string[] = []): Promise<void> {
  const tree = { root, beside: join(place, 'beside'), take: async () => {}, isPrivate: () => false };
  await unpackInto(tree, into, Readable.from([await tar(lines)]), { caps: CAPS, sync: false });
}

/** Beside a request, each archive in a part of its own. */
async function send(...archives: (readonly Line[])[]): Promise<void> {
  const staged = new Staging(place, CAPS).begin();
  try {
    for (const lines of archives)
      await unpack(Readable.from([await tar(lines)]), staged.filling, { aside: staged.aside });
    await staged.whole();
  } finally {
    await staged.discard();
  }
}

const bad = (path: string) => ({
  name: 'BadName',
  path,
  message: `"${path}" is a link that leads out of the directory over another link`,
});
const inOrders = (lines: Line[]): Line[][] => [lines, lines.toReversed()];

const LEADING_OUT: [string, string, Line[]][] = [
  [
    'over another',
    'e/m',
    [
      ['e/l', '..'],
      ['e/m', 'l/..'],
    ],
  ],
  [
    'over two others',
    'a/b/o',
    [
      ['a/b/l', '..'],
      ['a/b/m', 'l/..'],
      ['a/b/o', 'm/../x'],
    ],
  ],
  [
    'over a second name of a link',
    'd/o',
    [
      ['d/e/l', '..'],
      ['d/h/l', '..'],
      ['d/o', 'h/l/../../x'],
    ],
  ],
];

describe('an archive with a link that leads out', () => {
  test.each(LEADING_OUT)(
    '%s is refused by the name of %s, in whatever order they come',
    async (_how, path, lines) => {
      for (const order of inOrders(lines)) {
        await expect(put(order)).rejects.toMatchObject(bad(path));
        await expect(put(order, ['in', 'to'])).rejects.toMatchObject(bad(path));
        await expect(send(order)).rejects.toMatchObject(bad(path));
        await expect(send(...order.map((line) => [line]))).rejects.toMatchObject(bad(path));
      }
      expect([readdirSync(root), readdirSync(join(place, 'beside'))]).toEqual([[], []]);
      expect(readdirSync(join(place, 'uploads'))).toEqual([]);
    },
  );

  test('over one that is there already is refused, and changes nothing', async () => {
    await put([['e/l', '..']]);
    symlinkSync('/etc', join(root, 'out'));
    await expect(put([['f'], ['e/m', 'l/..']])).rejects.toMatchObject(bad('e/m'));
    await expect(
      put([
        ['in/e/m', 'e/l/..'],
        ['x', 'out/passwd'],
      ]),
    ).rejects.toMatchObject(bad('x'));
    await expect(put([['m', 'l/..']], ['e'])).rejects.toMatchObject(bad('m'));
    expect(readdirSync(root).sort()).toEqual(['e', 'out']);
    expect(readdirSync(join(root, 'e'))).toEqual(['l']);
  });
});

test('what comes in the place of a link that leads out is what counts', async () => {
  symlinkSync('/etc', join(root, 'out'));
  await put([['x', 'out'], ['out']]);
  expect(readlinkSync(join(root, 'x'))).toBe('out');
  symlinkSync('/etc', join(root, 'again'));
  await put([
    ['y', 'again'],
    ['again', 'x'],
  ]);
  expect(readlinkSync(join(root, 'again'))).toBe('x');
});

test.each<[string, Line[]]>([
  ['over others and stay inside', [['a/l', '..'], ['b', 'a/l/a'], ['a/c', 'l/b/l/f'], ['f']]],
  [
    'to each other',
    [
      ['a', 'b'],
      ['b', 'a'],
    ],
  ],
  ['to themselves', [['a', 'a']]],
  [
    'to what is not there',
    [
      ['d/a', 'no/../way'],
      ['b', 'd/a/x'],
    ],
  ],
  ['over more than a system follows', Array.from({ length: 60 }, (_, i): Line => [`l${i}`, `l${i + 1}`])],
])('links that lead %s are taken', async (_how, lines) => {
  for (const order of inOrders(lines)) {
    await send(order);
    await put(order);
    for (const [path] of lines) expect(lstatSync(join(root, path)).isDirectory()).toBe(false);
    rmSync(root, { recursive: true });
    mkdirSync(root);
  }
});

test('links that are made to be slow are refused, and others have their turns meanwhile', async () => {
  const texts = new Map<string, string>();
  for (let at = 0; at < 39; at++) texts.set(`d${at}`, `${'d/../'.repeat(790)}d${at + 1}`);
  let turns = 0;
  const counting = setInterval(() => turns++);
  const all = Array.from({ length: 100_000 }, () => 'd0');
  await expect(checkLinks(all, (path) => texts.get(path) ?? null)).rejects.toThrow(/too many links/);
  clearInterval(counting);
  expect(turns).toBeGreaterThan(3);
});
