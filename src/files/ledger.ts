import { RunwireError } from '../documents/errors.ts';

/** How much may be put in at once. */
export interface UploadCaps {
  bytes: number;
  files: number;
}

/** Counts what is put into a directory, while it comes. Throws RunwireError body_too_large at the first byte or file that is too much. */
export class Ledger {
  readonly #caps: UploadCaps;
  readonly #bytesFrom: string;
  bytes = 0;
  files = 0;

  /** `bytesFrom`: the variable that says how many bytes. */
  constructor(caps: UploadCaps, bytesFrom = 'RUNWIRE_MAX_UPLOAD_BYTES') {
    this.#caps = caps;
    this.#bytesFrom = bytesFrom;
  }

  file(): void {
    if (++this.files > this.#caps.files)
      throw new RunwireError(
        'body_too_large',
        `More than ${this.#caps.files} files (RUNWIRE_MAX_UPLOAD_FILES).`,
      );
  }

  take(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes > this.#caps.bytes)
      throw new RunwireError(
        'body_too_large',
        `More than ${this.#caps.bytes} bytes of files (${this.#bytesFrom}).`,
      );
  }
}
