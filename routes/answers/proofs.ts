import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

const BLOCK_BYTES = 256 * 1024;
const MOST_KNOWN = 10_000;
/** Two writes so near to each other may leave the same times: clocks of file systems tick up to 2 s apart. */
const SETTLED_MS = 2000;

/** What an artifact was when it was kept. */
export interface Kept {
  size: number;
  /** Hex. */
  sha256: string;
}

/**
 * Are the bytes of a file still those that were kept: their hash says so. It is taken once, and not again while what the
 * system says of the file stays the same; its time of change (ctime) is one that no program can set. Nothing of
 * it is stored: a data directory that was moved or restored has other numbers and times, and the same bytes.
 */
export class Proofs {
  /** What the files looked like that were found to be what they were, those asked for last at the end. */
  readonly #known = new Set<string>();
  readonly #underWay = new Map<string, Promise<boolean>>();
  readonly #settledMs: number;

  constructor(settledMs = SETTLED_MS) {
    this.#settledMs = settledMs;
  }

  async hold(file: FileHandle, kept: Kept): Promise<boolean> {
    const stats = await file.stat({ bigint: true });
    if (stats.size !== BigInt(kept.size)) return false;
    const look = lookOf(stats, kept);
    if (this.#known.delete(look)) {
      this.#known.add(look);
      return true;
    }
    let proof = this.#underWay.get(look);
    if (!proof) {
      proof = this.#prove(file, kept, look, stats).finally(() => this.#underWay.delete(look));
      this.#underWay.set(look, proof);
    }
    return proof;
  }

  async #prove(file: FileHandle, kept: Kept, look: string, { ctimeMs }: BigIntStats): Promise<boolean> {
    const began = Date.now();
    if ((await hashOf(file, kept.size)) !== kept.sha256) return false;
    const after = await file.stat({ bigint: true });
    if (lookOf(after, kept) === look && began - Number(ctimeMs) > this.#settledMs) this.#keep(look);
    return after.size === BigInt(kept.size);
  }

  #keep(look: string): void {
    const [oldest] = this.#known;
    if (oldest !== undefined && this.#known.size >= MOST_KNOWN) this.#known.delete(oldest);
    this.#known.add(look);
  }
}

function lookOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats, { sha256 }: Kept): string {
  return [dev, ino, size, mtimeNs, ctimeNs, sha256].join(':');
}

async function hashOf(file: FileHandle, size: number): Promise<string> {
  const hash = createHash('sha256');
  const block = Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, Math.max(1, size)));
  for (let position = 0; position < size; ) {
    const { bytesRead } = await file.read(block, 0, Math.min(block.length, size - position), position);
    if (bytesRead === 0) break;
    hash.update(block.subarray(0, bytesRead));
    position += bytesRead;
  }
  return hash.digest('hex');
}
