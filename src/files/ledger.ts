import { RunwireError } from '../documents/errors.ts';

/** How much may be put in at once. */
export interface UploadCaps {
  bytes: number;
  files: number;
}

/** Counts what is put into a directory, while it comes. Throws RunwireError body_too_large at the first byte or file that is too much. */
export class Ledger {
  readonly #caps: UploadCaps;
  bytes = 0;
  files = 0;

  constructor(caps: UploadCaps) {
    this.#caps = caps;
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
        `More than ${this.#caps.bytes} bytes of files (RUNWIRE_MAX_UPLOAD_BYTES).`,
      );
  }
}
