import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TreeRoom } from '../../helpers/tree-room.ts';

const NAMES = [0, 1, 2, 3, 4, 5, 6].map((at) => `d${at}`);
const SECRET = 'what lies outside';

let room: TreeRoom;
let outside: string;
let stop: () => Promise<void>;

/** A program that has links out of the tree in the place of its directories and files, now and then, without end. */
const SWAPPER = `
  const fs = require('node:fs');
  const [root, outside, ...names] = process.argv.slice(1);
  process.chdir(root);
  const quiet = (work) => { try { work(); } catch {} };
  console.log('swaps');
  for (let at = 0; ; at++)
    for (const name of names) {
      const gone = name + '.gone';
      quiet(() => { fs.renameSync(name, gone); fs.symlinkSync(outside, name); });
      const until = performance.now() + (at % 3) * 0.3;
      while (performance.now() < until);
      quiet(() => fs.unlinkSync(name));
      quiet(() => fs.renameSync(gone, name));
      quiet(() => { fs.renameSync(name + '/e/f0', name + '/e/g'); fs.symlinkSync(outside + '/e/f0', name + '/e/f0'); });
      quiet(() => fs.unlinkSync(name + '/e/f0'));
      quiet(() => fs.renameSync(name + '/e/g', name + '/e/f0'));
    }`;

beforeEach(async () => {
  room = new TreeRoom();
  outside = join(room.base, 'outside');
  fs.mkdirSync(join(outside, 'e'), { recursive: true });
  for (let at = 0; at < 60; at++) {
    fs.writeFileSync(join(outside, `e/f${at}`), SECRET);
    for (const name of NAMES) room.fill({ [`${name}/e/f${at}`]: `ours ${at}` });
  }
  stop = async () => {};
});

afterEach(() => room[Symbol.asyncDispose]());

async function swap(root: string): Promise<void> {
  const swapper = spawn(process.execPath, ['-e', SWAPPER, root, outside, ...NAMES]);
  const ended = once(swapper, 'exit');
  stop = async () => {
    swapper.kill('SIGKILL');
    await ended;
  };
  await once(swapper.stdout, 'data');
}

/** Names, bytes and times: nobody has been there. */
function look(): string[] {
  return fs.readdirSync(outside, { recursive: true, encoding: 'utf8' }).map((name) => {
    const path = join(outside, name);
    const { ctimeMs, mode } = fs.statSync(path);
    return `${name} ${ctimeMs} ${mode} ${fs.statSync(path).isFile() ? fs.readFileSync(path, 'utf8') : ''}`;
  });
}

const texts = (): string[] => room.contents().map((hash) => fs.readFileSync(room.contentPath(hash), 'utf8'));

test('a capture takes nothing from outside', async () => {
  const before = look();
  await swap(room.root);
  try {
    for (let round = 0; round < 25; round++)
      await room.hands.capture({ ...room.job, index: round % 2 === 0 ? room.index : null });
  } finally {
    await stop();
  }
  expect(texts()).not.toContain(SECRET);
  expect(look()).toEqual(before);
});

test('a copy takes nothing from outside', async () => {
  const before = look();
  await swap(room.root);
  try {
    for (let round = 0; round < 15; round++) {
      const to = join(room.base, `copy-${round}`);
      await room.hands.copy({ ...room.job, to });
      // A link may have been copied as the link it was: what is behind it is not in the copy.
      const { stdout } = spawnSync('find', [to, '-type', 'f'], { encoding: 'utf8' });
      for (const path of stdout.trim().split('\n')) expect(fs.readFileSync(path, 'utf8')).not.toBe(SECRET);
    }
  } finally {
    await stop();
  }
  expect(look()).toEqual(before);
});

test('a count counts nothing outside', async () => {
  fs.writeFileSync(join(outside, 'e/large'), Buffer.alloc(1_000_000));
  await swap(room.root);
  try {
    for (let round = 0; round < 1500; round++)
      expect((await room.hands.count(room.job)).bytes).toBeLessThan(1_000_000);
  } finally {
    await stop();
  }
});

test('a restore writes and removes nothing outside; the last one, in peace, makes the tree whole', async () => {
  const whole = (await room.hands.capture(room.job)).digest;
  for (const name of NAMES) {
    fs.rmSync(room.at(`${name}/e/f1`));
    room.fill({ [`${name}/e/f2`]: 'changed', [`${name}/e/more/f`]: 'to be removed' });
  }
  const changed = (await room.hands.capture(room.job)).digest;
  const before = look();
  await swap(room.root);
  try {
    for (let round = 0; round < 25; round++)
      await room
        .restore(round % 2 === 0 ? whole : changed, round % 3 === 0 ? 'overlay' : 'exact')
        .catch((error) => {
          // It met a link, or what it had seen was gone.
          expect(error.code, String(error)).toMatch(
            /^(file_conflict|ENOTDIR|ELOOP|ENOENT|ENOTEMPTY|EEXIST|EISDIR)$/,
          );
        });
  } finally {
    await stop();
  }
  expect(look()).toEqual(before);
  await room.restore(whole);
  expect((await room.hands.capture({ ...room.job, index: null })).digest).toBe(whole);
});
