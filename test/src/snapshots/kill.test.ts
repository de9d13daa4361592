import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TreeRoom } from '../../helpers/tree-room.ts';

const PROGRAM = join(import.meta.dirname, '../../helpers/killed-restore.ts');
const AT_ONCE = 4;
const isRoot = process.geteuid?.() === 0;

/** A tree in which everything that a restore does is done: all types, in all places, also directories nobody may write. */
function change(room: TreeRoom): void {
  fs.rmSync(room.at('gone'), { recursive: true });
  fs.writeFileSync(room.at('a/changed'), 'new');
  fs.chmodSync(room.at('a/mode'), 0o600);
  fs.rmSync(room.at('file'));
  room.fill({ 'file/is/a': 'directory now', 'more/f': '', 'more/deep/g': '' });
  fs.rmSync(room.at('directory'), { recursive: true });
  fs.writeFileSync(room.at('directory'), 'is a file now');
  fs.rmSync(room.at('link'));
  room.fill({ 'link/f': '' });
  fs.chmodSync(room.at('closed'), 0o700);
}

function fill(room: TreeRoom): void {
  room.fill({ 'gone/in/f': 'f', 'gone/g': 'g', 'a/changed': 'old', 'a/mode': 'm', 'a/same': 's' });
  room.fill({ file: 'a file', 'directory/d/e': 'a directory', 'closed/c': 'c' });
  fs.symlinkSync('/somewhere', room.at('link'));
  fs.chmodSync(room.at('closed'), 0o500);
}

async function killed(
  room: TreeRoom,
  digest: string,
  at: number,
): Promise<{ staged: boolean; calls: number }> {
  const { root, index, beside } = room;
  const job = { root, index, beside, digest, mode: 'exact' };
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(job), room.data, String(at)]);
  let [output, errors] = ['', ''];
  child.stdout.on('data', (data) => {
    output += data;
  });
  child.stderr.on('data', (data) => {
    errors += data;
  });
  const [code, signal] = await once(child, 'close');
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`it failed: ${errors}`);
  return { staged: output.includes('staged'), calls: Number(/done (\d+)/.exec(output)?.[1] ?? -1) };
}

async function walked(at: number): Promise<{ calls: number; staged: boolean }> {
  await using room = new TreeRoom();
  fill(room);
  const { digest } = await room.hands.capture(room.job);
  change(room);
  const changed = (await room.hands.capture(room.job)).digest;
  const { staged, calls } = await killed(room, digest, at);
  const left = (await room.hands.capture({ ...room.job, index: null })).digest;
  if (!staged) expect(left, `killed at ${at}, before it was staged`).toBe(changed);
  const inode = fs.statSync(room.root).ino;
  await room.restore(digest);
  expect((await room.hands.capture(room.job)).digest, `killed at ${at}`).toBe(digest);
  expect((await room.hands.capture({ ...room.job, index: null })).digest, `killed at ${at}`).toBe(digest);
  expect(fs.statSync(room.root).ino).toBe(inode);
  expect(fs.readdirSync(join(room.beside, 'restore'), { recursive: true })).toEqual(['deep']);
  return { calls, staged };
}

/** Directories that their owner may not write in are a hindrance to others than root. */
beforeAll(() => void (isRoot && process.seteuid?.(65534)));
afterAll(() => void (isRoot && process.seteuid?.(0)));

test('a restore that is killed at any step is completed by the next; before it is staged the tree is untouched', async () => {
  const { calls } = await walked(0);
  expect(calls).toBeGreaterThan(40);
  const points = Array.from({ length: calls }, (_, at) => at + 1);
  const seen = { before: 0, behind: 0 };
  const walk = async (): Promise<void> => {
    for (let at = points.shift(); at !== undefined; at = points.shift()) {
      const { staged, calls: done } = await walked(at);
      expect(done, `it was killed at ${at}`).toBe(-1);
      seen[staged ? 'behind' : 'before']++;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, walk));
  expect(seen.before).toBeGreaterThan(10);
  expect(seen.behind).toBeGreaterThan(10);
}, 300_000);
