import type { Asked } from './asked.ts';
import type { Connection } from './connection.ts';
import { Download } from './download.ts';
import type { Diff, Snapshot as SnapshotRecord } from './openapi.ts';
import type { Pages } from './pages.ts';
import { segment } from './segment.ts';
import {
  type ArchiveOptions,
  archiveOf,
  type FileEntry,
  type FilesOptions,
  fileOf,
  filesOf,
} from './tree.ts';

export interface DiffOptions extends Asked {
  /** With a patch of each file. */
  patch?: boolean | undefined;
}

/** What was in a workspace at one moment. */
export class Snapshot {
  readonly id: string;
  /** As it was told; it does not change. Null: it was not asked for. */
  record: SnapshotRecord | null;
  readonly #connection: Connection;
  readonly #path: string;

  constructor(connection: Connection, id: string, record: SnapshotRecord | null = null) {
    this.id = id;
    this.record = record;
    this.#connection = connection;
    this.#path = `/snapshots/${segment(id)}`;
  }

  async refresh({ signal }: Asked = {}): Promise<SnapshotRecord> {
    this.record = await this.#connection.json<SnapshotRecord>({ path: this.#path, signal });
    return this.record;
  }

  files(options: FilesOptions = {}): Pages<FileEntry> {
    return filesOf(this.#connection, this.#path, options);
  }

  file(path: string, options: Asked = {}): Download {
    return fileOf(this.#connection, this.#path, path, options);
  }

  archive(options: ArchiveOptions = {}): Download {
    return archiveOf(this.#connection, this.#path, options);
  }

  /** What is otherwise in another, which is the newer one. */
  diff(other: string, options: DiffOptions = {}): Promise<Diff> {
    return wholeDiff(this.#connection, this.#diffPath(other), {}, options);
  }

  /** The same as a patch that `git apply` takes. */
  patch(other: string, { signal }: Asked = {}): Download {
    return new Download(this.#connection, { path: this.#diffPath(other), headers: PATCH, signal });
  }

  async remove({ signal }: Asked = {}): Promise<void> {
    await this.#connection.done({ method: 'DELETE', path: this.#path, signal });
  }

  #diffPath(other: string): string {
    return `${this.#path}/diff/${segment(other)}`;
  }
}

export const PATCH = { accept: 'text/x-diff' };

/** All pages of a diff in one. */
export async function wholeDiff(
  connection: Connection,
  path: string,
  query: object,
  { patch, signal }: DiffOptions,
): Promise<Diff> {
  const files: Diff['files'] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await connection.json<Diff>({ path, query: { ...query, patch, cursor }, signal });
    files.push(...page.files);
    if (page.next_cursor === null) return { ...page, files };
    cursor = page.next_cursor;
  }
}
