import { randomUUID } from 'node:crypto';
import {
  type BigIntStats,
  closeSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { discard, moveOut } from './discard.ts';
import { Filling } from './fill.ts';
import { Ledger, type UploadCaps } from './ledger.ts';
import type { ScanOf } from './scan.ts';
import { Tree } from './tree.ts';
import { InTheWay, inTheWay, type OpenDirectory, syncFile, syncWay, within } from './way.ts';

export type { UploadCaps };

const FILE_MODE = 0o644;

/** A tree that programs work in, which is changed from outside. */
export interface EditedTree extends ScanOf {
  /** A directory on the same file system and not in it, where new files are written before they are renamed. */
  beside: string;
  /** So many bytes more come into it. Throws where it has no room for them. */
  take(bytes: number): Promise<void>;
}

export interface EditOptions {
  caps: UploadCaps;
  /** Is it to be on the disk before it is told. */
  sync: boolean;
}

export interface PutOptions extends EditOptions {
  /** Permission bits. */
  mode: number | undefined;
  judge: Judge;
  /** Bytes that are said to come. */
  length?: number;
}

/** Throws where what is at the path now is not what the change is meant for. Null: nothing is. */
export type Judge = (current: BigIntStats | null) => void;

/**
 * Puts a file at a path: all of it is written beside, then renamed, so that who reads sees the old or the new. A link there
 * is replaced, never followed. `mode`: default that of the file which it replaces, else 0644. `judge` is asked before the
 * content is taken, and again when the file changes hands. Throws InTheWay, BadName, RunwireError body_too_large,
 * what the tree says of its room, and what the storage says.
 */
export async function putFile(
  tree: EditedTree,
  parts: readonly string[],
  content: AsyncIterable<Buffer>,
  { mode, judge, caps, sync, length = 0 }: PutOptions,
): Promise<{ made: boolean; stats: BigIntStats }> {
  const there = replaceable(tree, parts, judge);
  // Refused before it comes, where that is known.
  new Ledger(caps).take(length);
  const replaced = there?.isFile() ? Number(there.size) : 0;
  if (length > replaced) await tree.take(length - replaced);
  const staged = randomUUID();
  const place = join(tree.beside, staged);
  let fd: number | null = null;
  try {
    await write(tree.beside, staged, taken(content, tree, Math.max(length, replaced)), caps);
    fd = openSync(place, 'r');
    if (sync) await syncFile(fd);
    // From here on in one turn: of two who put a file there the second is judged by what the first has put.
    const last = replaceable(tree, parts, judge);
    fchmodSync(fd, mode ?? (last?.isFile() ? Number(last.mode) & 0o777 : FILE_MODE));
    if (sync) fsyncSync(fd);
    const above = parts.slice(0, -1);
    within(tree, above, true, (directory) => put(place, directory as OpenDirectory, parts));
    if (sync) syncWay(tree, above);
    return { made: last === null, stats: fstatSync(fd, { bigint: true }) };
  } finally {
    if (fd !== null) closeSync(fd);
    rmSync(place, { force: true });
  }
}

/**
 * Takes away what is at a path: a link itself, a directory with all that is in it, at once, where `recursive` says so. False:
 * there is nothing. Throws InTheWay, BadName.
 */
export async function remove(
  tree: EditedTree,
  parts: readonly string[],
  { recursive, judge, sync }: { recursive: boolean; judge: Judge; sync: boolean },
): Promise<boolean> {
  const staged = join(tree.beside, randomUUID());
  const name = parts.at(-1) ?? '';
  const moved = within(tree, parts.slice(0, -1), false, (directory) => {
    const there = directory?.stats(name) ?? null;
    if (directory === null || there === null) return false;
    if (there.isDirectory() && !recursive)
      throw new InTheWay(directory.pathOf(name), 'is a directory: ?recursive=true deletes it with all in it');
    judge(there);
    try {
      // Not unlinked: by now a directory may have its name.
      moveOut(directory.at(name), staged);
      if (sync) fsyncSync(directory.fd);
    } catch (error) {
      throw inTheWay(error, directory.pathOf(name));
    }
    return true;
  });
  if (moved) await discard(staged, tree.beside);
  return moved;
}

/** What a file at this path would replace. */
function replaceable(tree: EditedTree, parts: readonly string[], judge: Judge): BigIntStats | null {
  return within(tree, parts.slice(0, -1), false, (directory) => {
    const name = parts.at(-1) ?? '';
    const there = directory?.stats(name) ?? null;
    if (there?.isDirectory()) throw new InTheWay(parts.join('/'), 'is a directory');
    judge(there);
    return there;
  });
}

function put(from: string, directory: OpenDirectory, parts: readonly string[]): void {
  try {
    renameSync(from, directory.at(parts.at(-1) ?? ''));
  } catch (error) {
    throw inTheWay(error, parts.join('/'));
  }
}

async function write(
  beside: string,
  name: string,
  content: AsyncIterable<Buffer>,
  caps: UploadCaps,
): Promise<void> {
  const filling = new Filling(new Tree(beside), new Ledger(caps));
  filling.hashes = false; // nobody asks for it
  try {
    await filling.file({ parts: [name], mode: 0o600 }, content);
  } finally {
    filling.tree.close();
  }
}

/** `before`: bytes that have their room already. */
async function* taken(
  content: AsyncIterable<Buffer>,
  tree: EditedTree,
  before: number,
): AsyncGenerator<Buffer> {
  let left = before;
  for await (const chunk of content) {
    if (chunk.length > left) await tree.take(chunk.length - left);
    left = Math.max(0, left - chunk.length);
    yield chunk;
  }
}
