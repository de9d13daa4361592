import type { Readable } from 'node:stream';

/** Something that a run is given beside its working directory. */
export interface GivenFile {
  /** Below the place of all that is given: `static/<save_path>`, `inputs/<id>/<filename>`. */
  readonly path: string;
  readonly type: 'file' | 'directory';
  readonly writable: boolean;
  /** What it is, where that is known: the same has the same. */
  readonly digest: string | null;
  /** Where it is on this machine and never changes, so that it may be mounted. Null: it is no such thing. */
  mounted(signal: AbortSignal): Promise<string> | null;
  /**
   * A tar of it, its names below `name`, or that: a file. Default: its path. For kinds whose work has another tree: whoever that is,
   * whose number nobody here knows, may read all of it, and change it where it is writable.
   */
  pack(name?: string): Readable;
}

/** How the work of a kind comes to what it is given. */
export type GivenWay =
  /** It is put below the run directory, and the work sees this machine. */
  | { by: 'place' }
  /** The runner brings it (`ctx.given`) to where the work sees it: `<root>/static/…`, `<root>/inputs/…`; root without a slash at its end. */
  | { by: 'runner'; root: string }
  /** The work is elsewhere, and has an address of this server for each: of assets alone. */
  | { by: 'address' };
