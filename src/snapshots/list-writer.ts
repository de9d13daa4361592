import { createHash } from 'node:crypto';
import { closeSync } from 'node:fs';
import type { Contents } from '../contents/contents.ts';
import { write } from '../contents/keep-file.ts';
import { type Listed, lineOf } from './list.ts';

const CHUNK_LINES = 512;
/** A list up to this is written only where it is not there yet. */
const HELD_BYTES = 8 * 1024 * 1024;

/** Makes a list, which becomes a content. Its things come in order. */
export class ListWriter {
  readonly #contents: Contents;
  readonly #hash = createHash('sha256');
  #lines: string[] = [];
  #held: Buffer[] = [];
  #heldBytes = 0;
  #size = 0;
  #file: { path: string; fd: number } | null = null;

  constructor(contents: Contents) {
    this.#contents = contents;
  }

  add(listed: Listed): void {
    if (this.#lines.push(lineOf(listed)) >= CHUNK_LINES) this.#encode();
  }

  /** The digest. */
  finish(): string {
    this.#encode();
    const digest = this.#hash.digest('hex');
    if (this.#file === null && this.#contents.has(digest, this.#size)) return digest;
    const { path } = this.#flush();
    this.close();
    this.#contents.keep(path, digest);
    return digest;
  }

  close(): void {
    if (this.#file) closeSync(this.#file.fd);
    this.#file = null;
  }

  #encode(): void {
    const bytes = Buffer.from(this.#lines.join(''));
    this.#lines = [];
    this.#hash.update(bytes);
    this.#size += bytes.length;
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > HELD_BYTES) this.#flush();
  }

  #flush(): { path: string; fd: number } {
    const file = this.#file ?? this.#contents.begin();
    this.#file = file;
    for (const bytes of this.#held) write(file.fd, bytes);
    this.#held = [];
    this.#heldBytes = 0;
    return file;
  }
}
