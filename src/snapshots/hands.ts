import { closeSync, existsSync } from 'node:fs';
import { Contents } from '../contents/contents.ts';
import type { Entry } from '../files/scan.ts';
import { entryOf } from './entries.ts';
import { Gate } from './gate.ts';
import type { Amount, BuildJob, Captured, CaptureJob, CopyJob, RestoreJob, Swept, TreeJob } from './jobs.ts';
import type { Listed } from './list.ts';
import { listedFrom, seek } from './read-list.ts';
import { Threads } from './threads.ts';

export type { Amount, BuildJob, Captured, CaptureJob, CopyJob, RestoreJob, Swept, TreeJob };

/** All that is done to whole trees, and what is kept of them. */
export class Hands {
  readonly #contents: Contents;
  readonly #gate = new Gate();
  readonly #threads: Threads;

  /** `fsync`: contents and list are on the disk when a capture resolves. */
  constructor(dataDir: string, { fsync = false } = {}) {
    this.#contents = new Contents(dataDir);
    this.#threads = new Threads({ dataDir, fsync });
  }

  /** Takes all in `root`. Throws RunwireError insufficient_storage, invalid_field for what is no glob; NoDirectory. */
  capture(job: CaptureJob, signal?: AbortSignal): Promise<Captured> {
    return this.#gate.holding(() => this.#threads.run('capture', job, { signal }));
  }

  /**
   * Makes `root` what the list says. All bytes are at `beside` before `onStaged` is called; what happens after it is
   * repeatable from the start: the same call again completes it, whatever of it was done.
   */
  restore({ onStaged, ...job }: RestoreJob & { onStaged?: () => Promise<void> }): Promise<Amount> {
    return this.#gate.holding(() => this.#threads.run('restore', job, { onStaged }));
  }

  /** Copies a tree into an empty directory, or one that is made. No link is followed. */
  copy(job: CopyJob): Promise<Amount> {
    return this.#threads.run('copy', job);
  }

  /** Regular files in a tree, and the sum of their sizes. */
  count(job: TreeJob): Promise<Amount> {
    return this.#threads.run('count', job);
  }

  /** Makes what is kept anew, where nothing is. What it made stays where it throws. */
  build(job: BuildJob, signal?: AbortSignal): Promise<Amount> {
    return this.#gate.holding(() => this.#threads.run('build', job, { signal }));
  }

  /**
   * Removes what none of these lists hold, and what is none of these contents, once nobody captures, restores, reads or holds. They
   * are asked for then.
   */
  sweep(digests: () => Iterable<string>, files: () => Iterable<string> = () => []): Promise<Swept> {
    return this.#gate.taking(async () => {
      const job = { digests: [...digests()], files: [...files()] };
      // No thread is made for nothing.
      return existsSync(this.#contents.directory)
        ? this.#threads.run('sweep', job)
        : { removed: 0, bytes: 0 };
    });
  }

  /** Until it settles nothing is swept. */
  holding<T>(work: () => Promise<T>): Promise<T> {
    return this.#gate.holding(work);
  }

  /** Things in a list, in order. Throws Error where there is no such list. */
  listed(digest: string): AsyncGenerator<Listed> {
    return this.#from(digest, null);
  }

  /** Descriptor of a content, open for reading; the caller closes it. Null: it is not there, or, where `size` says how long it was, not whole. */
  content(sha256: string, size?: number): number | null {
    return size === undefined ? this.#contents.open(sha256) : this.#contents.openWhole(sha256, size);
  }

  /** Things in a list, as if they were in a directory; none of them has a time of its own. `after`: begin behind this path. */
  async *entries(digest: string, times: Date, after: string | null = null): AsyncGenerator<Entry> {
    for await (const listed of this.#from(digest, after)) yield entryOf(this.#contents, listed, times);
  }

  /** One of them; null: there is none. `parts` is a path that was checked. */
  async find(digest: string, times: Date, parts: readonly string[]): Promise<Entry | null> {
    const path = parts.join('/');
    const letGo = await this.#gate.hold();
    try {
      const fd = this.#open(digest);
      try {
        const { value } = await listedFrom(fd, seek(fd, path, false)).next();
        return value?.path === path ? entryOf(this.#contents, value, times) : null;
      } finally {
        closeSync(fd);
      }
    } finally {
      letGo();
    }
  }

  /** Captures and copies that go on are given up, and restores before they are staged. */
  close(): Promise<void> {
    return this.#threads.close();
  }

  async *#from(digest: string, after: string | null): AsyncGenerator<Listed> {
    const letGo = await this.#gate.hold();
    try {
      const fd = this.#open(digest);
      try {
        yield* listedFrom(fd, after === null ? 0 : seek(fd, after, true));
      } finally {
        closeSync(fd);
      }
    } finally {
      letGo();
    }
  }

  #open(digest: string): number {
    const fd = this.#contents.open(digest);
    if (fd === null) throw new Error(`the list of a snapshot is not there: ${digest}`);
    return fd;
  }
}
