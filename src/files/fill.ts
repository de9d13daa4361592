import { createHash } from 'node:crypto';
import { closeSync, write as writeLater, writeSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Ledger } from './ledger.ts';
import { setTime, type Tree } from './tree.ts';

const write = promisify(writeLater);

/** Files up to this are written at once, larger ones by the thread pool. */
const SMALL_BYTES = 64 * 1024;
/** After so long others have their turn. */
const TURN_MS = 5;

/** One file as it was put in. */
export interface FilledFile {
  path: string;
  mode: number;
  sha256: string;
}

export interface FileWords {
  parts: readonly string[];
  mode: number;
  modified?: Date | undefined;
}

/** Puts files into a tree, counted, hashed, and with turns for others. */
export class Filling {
  readonly tree: Tree;
  readonly ledger: Ledger;
  readonly files: FilledFile[] = [];
  #since = performance.now();

  constructor(tree: Tree, ledger: Ledger) {
    this.tree = tree;
    this.ledger = ledger;
  }

  async file({ parts, mode, modified }: FileWords, content: Buffer | AsyncIterable<Buffer>): Promise<void> {
    this.ledger.file();
    const fd = this.tree.file(parts, mode);
    const hash = createHash('sha256');
    try {
      if (Buffer.isBuffer(content)) this.#small(fd, hash, content);
      else for await (const chunk of content) await this.#chunk(fd, hash, chunk);
      if (modified) setTime(fd, modified);
    } finally {
      closeSync(fd);
    }
    this.files.push({ path: parts.join('/'), mode, sha256: hash.digest('hex') });
    await this.breathe();
  }

  /** A turn for others, when it is due. */
  async breathe(): Promise<void> {
    if (performance.now() - this.#since < TURN_MS) return;
    await turn();
    this.#since = performance.now();
  }

  #small(fd: number, hash: ReturnType<typeof createHash>, content: Buffer): void {
    this.ledger.take(content.length);
    hash.update(content);
    for (let at = 0; at < content.length; ) at += writeSync(fd, content, at);
  }

  async #chunk(fd: number, hash: ReturnType<typeof createHash>, chunk: Buffer): Promise<void> {
    if (chunk.length <= SMALL_BYTES) {
      this.#small(fd, hash, chunk);
      return this.breathe();
    }
    this.ledger.take(chunk.length);
    hash.update(chunk);
    for (let at = 0; at < chunk.length; ) at += (await write(fd, chunk, at)).bytesWritten;
  }
}
