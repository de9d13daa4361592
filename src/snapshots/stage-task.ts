import { closeSync } from 'node:fs';
import type { Contents } from '../contents/contents.ts';
import { Below, nobodys } from '../files/below.ts';
import { copyBytes } from './copy-bytes.ts';
import type { Worker } from './crew.ts';
import type { FileState } from './index-file.ts';

export interface StageContext {
  /** The directory in which all is staged. */
  stage: string;
}

export interface StageTask {
  /** Below it. */
  staged: string;
  sha256: string;
  size: number;
  mode: number;
}

/** Writes files with contents that are kept. */
export class StageWorker implements Worker<StageTask, FileState> {
  readonly #contents: Contents;
  readonly #below: Below;
  readonly #goOn: () => void;

  constructor(contents: Contents, { stage }: StageContext, goOn: () => void) {
    this.#contents = contents;
    this.#below = new Below(stage, nobodys);
    this.#goOn = goOn;
  }

  do({ staged, sha256, size, mode }: StageTask): FileState {
    this.#goOn();
    const fd = this.#contents.open(sha256);
    if (fd === null) throw new Error(`a content of the tree is not there: ${sha256}`);
    try {
      const made = copyBytes(fd, size, this.#below.near(staged), mode);
      if (made.size !== size) throw new Error(`a content of the tree is not whole: ${sha256}`);
      const { ino, mtimeMs, ctimeMs } = made;
      return { ino, size, mtimeMs, ctimeMs };
    } finally {
      closeSync(fd);
    }
  }

  close(): void {
    this.#below.close();
  }
}
