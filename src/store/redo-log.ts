import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { crc32 } from 'node:zlib';
import { parseJson } from '../platform/json-parse.ts';

/** Writes of one turn of the event loop. `number` counts the turns, also over restarts. */
export interface RedoTurn {
  number: number;
  operations: unknown[];
}

export interface RedoContents {
  turns: RedoTurn[];
  /** Bytes at the end that held no whole turn and were cut off: what was being written at a crash. */
  torn: number;
}

/**
 * What is not in the database yet, on disk: one appended line a turn, `crc32 number operations`. A turn is small
 * and the database writes whole pages, so that one `write` here makes durable what would cost ten there, and the
 * database takes many turns at once.
 */
export class RedoLog {
  readonly #fd: number;
  readonly #sync: boolean;
  #size = 0;

  /** `sync`: every turn is on the disk before `append` returns, and not only with the kernel. */
  constructor(file: string, { sync }: { sync: boolean }) {
    // Made if missing, never emptied, and written at a place of our choice: no flag of `open` in letters says so.
    this.#fd = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o600);
    this.#sync = sync;
  }

  /** All whole turns, in order; appending goes on behind them. */
  read(): RedoContents {
    const bytes = this.#bytes();
    const turns: RedoTurn[] = [];
    let at = 0;
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, at)) {
      const turn = decodeTurn(bytes.subarray(at, end).toString());
      if (turn === null) break;
      turns.push(turn);
      at = end + 1;
    }
    this.#size = at;
    if (at < bytes.length) ftruncateSync(this.#fd, at);
    return { turns, torn: bytes.length - at };
  }

  #bytes(): Buffer {
    const bytes = Buffer.allocUnsafe(fstatSync(this.#fd).size);
    let got = 0;
    for (let read = -1; read !== 0 && got < bytes.length; got += read)
      read = readSync(this.#fd, bytes, got, bytes.length - got, got);
    return bytes.subarray(0, got);
  }

  /** Bytes of turns that are kept. */
  get size(): number {
    return this.#size;
  }

  /** Throws what the file system throws (ENOSPC, EIO); nothing of the turn is kept then. */
  append({ number, operations }: RedoTurn): void {
    const text = `${number} ${JSON.stringify(operations)}`;
    const line = Buffer.from(`${checksum(text)} ${text}\n`);
    try {
      for (let done = 0; done < line.length; )
        done += writeSync(this.#fd, line, done, line.length - done, this.#size + done);
      if (this.#sync) fdatasyncSync(this.#fd);
    } catch (error) {
      this.#cut();
      throw error;
    }
    this.#size += line.length;
  }

  /** Everything in it is in the database. */
  clear(): void {
    if (this.#size === 0) return;
    ftruncateSync(this.#fd, 0);
    this.#size = 0;
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** Take away what was written of a turn that failed. If that fails too, the next turn is written over it. */
  #cut(): void {
    try {
      ftruncateSync(this.#fd, this.#size);
    } catch {
      // the error that is told is the first one
    }
  }
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}

function decodeTurn(line: string): RedoTurn | null {
  const [, sum, text, number, json] = /^([0-9a-f]{8}) ((\d+) (.*))$/.exec(line) ?? [];
  if (text === undefined || json === undefined || checksum(text) !== sum) return null;
  return { number: Number(number), operations: parseJson(json) as unknown[] };
}
