import { createHash, type Hash } from 'node:crypto';
import { closeSync, write as writeLater, writeSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Ledger } from './ledger.ts';
import { Syncing } from './sync.ts';
import { setTime, type Tree } from './tree.ts';

const write = promisify(writeLater);

/** Files up to this are written at once, larger ones by the thread pool. */
const SMALL_BYTES = 64 * 1024;
/** What comes is put together up to this, and written while the next comes; such a block is memory that is used again. */
const BLOCK_BYTES = 512 * 1024;
/** So many are kept for what comes next. */
const FREE_BLOCKS = 8;
/** After so long others have their turn. */
const TURN_MS = 5;

/** One file as it was put in. */
export interface FilledFile {
  path: string;
  mode: number;
  /** Null: nobody asked for it. */
  sha256: string | null;
}

export interface FileWords {
  parts: readonly string[];
  mode: number;
  modified?: Date | undefined;
  /** Default: as the filling says. */
  hashed?: boolean;
}

/** Puts files into a tree, counted, hashed, and with turns for others. */
export class Filling {
  readonly tree: Tree;
  readonly ledger: Ledger;
  readonly files: FilledFile[] = [];
  /** Are contents hashed. */
  hashes = true;
  #since = performance.now();

  readonly #syncing: Syncing | null;

  /** `sync`: a power cut leaves them too, once `done` has resolved. */
  constructor(tree: Tree, ledger: Ledger, sync = false) {
    this.tree = tree;
    this.ledger = ledger;
    tree.making = () => ledger.made();
    this.#syncing = sync ? new Syncing() : null;
  }

  async file(words: FileWords, content: Buffer | AsyncIterable<Buffer>): Promise<void> {
    const { parts, mode, modified, hashed = this.hashes } = words;
    this.ledger.file();
    const fd = this.tree.file(parts, mode);
    const hash = hashed ? createHash('sha256') : null;
    try {
      if (Buffer.isBuffer(content)) this.#small(fd, hash, content);
      else await this.#stream(fd, hash, content);
      if (modified) setTime(fd, modified);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    if (this.#syncing) await this.#syncing.take(fd);
    else closeSync(fd);
    this.files.push({ path: parts.join('/'), mode, sha256: hash?.digest('hex') ?? null });
    await this.breathe();
  }

  /** All that was put in is where it is to be. Throws what the storage says. */
  async done(): Promise<void> {
    await this.#syncing?.done();
  }

  /** A turn for others, when it is due. */
  async breathe(): Promise<void> {
    if (performance.now() - this.#since < TURN_MS) return;
    await turn();
    this.#since = performance.now();
  }

  #small(fd: number, hash: Hash | null, content: Buffer): void {
    this.ledger.take(content.length);
    hash?.update(content);
    writeNow(fd, content);
  }

  async #stream(fd: number, hash: Hash | null, content: AsyncIterable<Buffer>): Promise<void> {
    // Two take turns, where one is not enough.
    let block = takeBlock();
    let other: Buffer | null = null;
    let used = 0;
    let writing: Promise<void> | null = null;
    try {
      for await (const chunk of content) {
        this.ledger.take(chunk.length);
        hash?.update(chunk);
        for (let at = 0; at < chunk.length; ) {
          const taken = chunk.copy(block, used, at);
          at += taken;
          used += taken;
          if (used < BLOCK_BYTES) continue;
          await writing;
          writing = writeAll(fd, block);
          writing.catch(() => {}); // told when it is waited for
          [block, other] = [other ?? takeBlock(), block];
          used = 0;
        }
      }
      await writing;
      const rest = block.subarray(0, used);
      if (used > SMALL_BYTES) await writeAll(fd, rest);
      else writeNow(fd, rest);
    } finally {
      // Nothing is written any more once the descriptor is closed.
      await writing?.catch(() => {});
      giveBack(block);
      if (other) giveBack(other);
    }
  }
}

/** Memory for the next file: new one for each would have V8 mark its whole heap for every hundred. */
const free: Buffer[] = [];

function takeBlock(): Buffer {
  return free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
}

function giveBack(block: Buffer): void {
  if (free.length < FREE_BLOCKS) free.push(block);
}

async function writeAll(fd: number, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await write(fd, bytes, at)).bytesWritten;
}

function writeNow(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}
