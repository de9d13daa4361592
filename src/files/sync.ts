import { closeSync, fsync as fsyncLater } from 'node:fs';
import { chmod, lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** So many at once: they share the writes of the file system's own log. */
const AT_ONCE = 16;
const OWNER_READS = 0o500;

/** Brings files to the disk and closes them, while others come. */
export class Syncing {
  readonly #under = new Set<Promise<void>>();
  #failure: Error | null = null;

  /** It is this one's from now on. Throws what an earlier one met. */
  async take(fd: number): Promise<void> {
    const synced = sync(fd)
      .catch((error: Error) => {
        this.#failure ??= error;
      })
      .finally(() => closeSync(fd));
    this.#under.add(synced);
    void synced.then(() => this.#under.delete(synced));
    if (this.#under.size >= AT_ONCE) await Promise.race(this.#under);
    if (this.#failure) throw this.#failure;
  }

  /** All are there. Throws what any of them met. */
  async done(): Promise<void> {
    await Promise.all(this.#under);
    if (this.#failure) throw this.#failure;
  }
}

/** Brings a directory to the disk with those below it; nobody else knows of them. Files are there already. */
export async function syncDirectories(path: string): Promise<void> {
  const mode = await madeReadable(path);
  const handle = await open(path);
  try {
    for (const entry of await readdir(path, { withFileTypes: true }))
      if (entry.isDirectory()) await syncDirectories(join(path, entry.name));
    if (mode !== null) await handle.chmod(mode);
    await sync(handle.fd);
  } finally {
    await handle.close();
  }
}

function sync(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fsyncLater(fd, (error) => (error ? reject(error) : resolve()));
  });
}

/** A directory may have come with a mode that keeps its owner out: which one, to be set again. Null: it has not. */
async function madeReadable(path: string): Promise<number | null> {
  const mode = (await lstat(path)).mode & 0o7777;
  if ((mode & OWNER_READS) === OWNER_READS) return null;
  await chmod(path, mode | OWNER_READS);
  return mode;
}
