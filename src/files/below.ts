import { fstatSync } from 'node:fs';
import { enterDirectory } from '../platform/thread-directory.ts';
import { type Opened, openDirectory, openRoot, placeOf, type ScanOf, shut } from './walk.ts';

/** For directories of the server, in which all is. */
export const nobodys = (): boolean => false;

/** Paths below one directory: each part is opened below the one before, and no link is followed. */
export class Below {
  readonly #root: Opened;
  readonly #isPrivate: ScanOf['isPrivate'];
  readonly #asOwner: boolean;
  /** The directories of the last path, open: the next path is often beside it. */
  readonly #open: (Opened & { path: string })[] = [];

  /** `isPrivate`: such directories are not gone into. `asOwner`: those that lack permissions get them while they are open. Throws NoDirectory. */
  constructor(root: string, isPrivate: ScanOf['isPrivate'], asOwner = false) {
    this.#isPrivate = isPrivate;
    this.#asOwner = asOwner;
    this.#root = openRoot(root, asOwner);
  }

  /** Names what is at `path`, until the next call. Throws what the file system says where there is no directory around it. */
  place(path: string): string {
    const slash = path.lastIndexOf('/');
    const fd = this.directory(slash < 0 ? '' : path.slice(0, slash));
    return placeOf(fd, path.slice(slash + 1)) as string;
  }

  /** The same for one call of the file system, made at once: it may be the name in the thread's current directory. */
  near(path: string): string {
    const slash = path.lastIndexOf('/');
    const fd = this.directory(slash < 0 ? '' : path.slice(0, slash));
    const name = path.slice(slash + 1);
    return enterDirectory(fd) ? name : (placeOf(fd, name) as string);
  }

  /** Descriptor of a directory, until the next call. */
  directory(path: string): number {
    while (this.#open.length > 0) {
      const last = this.#open.at(-1) as Opened & { path: string };
      if (path === last.path) return last.fd;
      if (path.startsWith(`${last.path}/`)) break;
      this.#open.pop();
      shut(last);
    }
    for (let from = this.#open.at(-1)?.path.length ?? -1; from < path.length; ) {
      const slash = path.indexOf('/', from + 1);
      const end = slash < 0 ? path.length : slash;
      if (end === 0 && path === '') break;
      const above = this.#open.at(-1)?.fd ?? this.#root.fd;
      const name = path.slice(from + 1, end);
      const found = openDirectory(enterDirectory(above) ? name : placeOf(above, name), this.#asOwner);
      this.#open.push({ ...found, path: path.slice(0, end) });
      if (this.#isPrivate(fstatSync(found.fd), found.fd)) throw denied(path.slice(0, end));
      from = end;
    }
    return this.#open.at(-1)?.fd ?? this.#root.fd;
  }

  close(): void {
    for (const directory of this.#open.splice(0).reverse()) shut(directory);
    shut(this.#root);
  }
}

/** As the system says it. */
function denied(path: string): Error {
  return Object.assign(new Error(`EACCES: ${path} holds the data of the server`), { code: 'EACCES' });
}
