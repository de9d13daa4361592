import { RunwireError } from '../documents/errors.ts';

/** How much may be put in at once. */
export interface UploadCaps {
  bytes: number;
  files: number;
}

/**
 * Counts what is put into a directory, while it comes: what is named, and what is there by that, which may be more (directories
 * that are named by what is in them alone) or less (one that is named again). Throws RunwireError body_too_large at the first byte,
 * file or directory that is too much.
 */
export class Ledger {
  readonly #caps: UploadCaps;
  readonly #bytesFrom: string;
  bytes = 0;
  /** What was named. */
  files = 0;
  #made = 0;

  /** `bytesFrom`: the variable that says how many bytes. */
  constructor(caps: UploadCaps, bytesFrom = 'RUNWIRE_MAX_UPLOAD_BYTES') {
    this.#caps = caps;
    this.#bytesFrom = bytesFrom;
  }

  /** A file or a link. */
  file(): void {
    this.named();
    this.made();
  }

  /** What may be there already. */
  named(): void {
    this.#refuse(++this.files);
  }

  made(): void {
    this.#refuse(++this.#made);
  }

  take(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes > this.#caps.bytes)
      throw new RunwireError(
        'body_too_large',
        `More than ${this.#caps.bytes} bytes of files (${this.#bytesFrom}).`,
      );
  }

  #refuse(files: number): void {
    if (files > this.#caps.files)
      throw new RunwireError(
        'body_too_large',
        `More than ${this.#caps.files} files and directories (RUNWIRE_MAX_UPLOAD_FILES).`,
      );
  }
}
