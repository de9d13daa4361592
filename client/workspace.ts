import type { Asked } from './asked.ts';
import type { Connection } from './connection.ts';
import { Download } from './download.ts';
import { ConflictError, IntegrityError } from './errors.ts';
import { newId } from './new-id.ts';
import type { Bodies, Diff, Snapshot as SnapshotRecord, Workspace as WorkspaceRecord } from './openapi.ts';
import { type PageOptions, Pages } from './pages.ts';
import type { Payload } from './payload.ts';
import { segment } from './segment.ts';
import { type DiffOptions, PATCH, Snapshot, wholeDiff } from './snapshot.ts';
import { type TarEntry, tarOf } from './tar.ts';
import {
  type ArchiveOptions,
  archiveOf,
  exactly,
  type FileEntry,
  type FilesOptions,
  fileOf,
  filePath,
  filesOf,
} from './tree.ts';
import { type UntarredEntry, untarred } from './untar.ts';
import { expectSame, hashed } from './upload.ts';

/** `ifMatch`, `ifNoneMatch`: ETags; such a call is not sent again where its fate is not known. */
export interface Conditions extends Asked {
  ifMatch?: string | undefined;
  ifNoneMatch?: string | undefined;
}
export interface PutOptions extends Conditions {
  /** Permission bits in octal: `0755`. */
  mode?: string | undefined;
  /** Compare the hash of what the server has with that of what was sent. Default true. */
  check?: boolean | undefined;
}
export type SnapshotInput = NonNullable<Bodies['takeSnapshot']>;

/** One look at it lasts so long. */
const WAIT_SECONDS = 30;

/** A directory of the server that outlives runs. `options.workspace` of an invocation names it. */
export class Workspace {
  readonly id: string;
  /** As it was told last. */
  record: WorkspaceRecord | null;
  readonly #connection: Connection;
  readonly #path: string;

  constructor(connection: Connection, id: string, record: WorkspaceRecord | null = null) {
    this.id = id;
    this.record = record;
    this.#connection = connection;
    this.#path = `/workspaces/${segment(id)}`;
  }

  async refresh({ signal }: Asked = {}): Promise<WorkspaceRecord> {
    this.record = await this.#connection.json<WorkspaceRecord>({ path: this.#path, signal });
    return this.record;
  }

  /** When it has been filled. Throws ConflictError `workspace_failed`, and why, where that cannot be. */
  async ready({ signal }: Asked = {}): Promise<WorkspaceRecord> {
    const call = { path: this.#path, query: { wait: WAIT_SECONDS }, waitSeconds: WAIT_SECONDS, signal };
    const retrySeconds = this.#connection.settings.resumeSeconds;
    while (this.record === null || this.record.state === 'filling')
      this.record = await this.#connection.json<WorkspaceRecord>({ ...call, retrySeconds });
    const { state, reason } = this.record;
    if (state === 'failed')
      throw new ConflictError(reason ?? 'it could not be filled', { code: 'workspace_failed' });
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

  /** Puts a file there, or in the place of another. Who reads it has the old or the new. */
  async put(path: string, payload: Payload, options: PutOptions = {}): Promise<{ etag: string }> {
    const { mode, check = true, signal } = options;
    const { body, sha256 } = check ? await hashed(payload) : { body: payload, sha256: () => '' };
    const headers = { ...conditionsOf(options), 'content-type': 'application/octet-stream' };
    const call = {
      method: 'PUT',
      path: filePath(this.#path, path),
      query: { mode },
      headers,
      body,
      signal,
    } as const;
    const etag = await this.#connection.ask({ ...call, repeatable: isFree(options) }, async (exchange) => {
      await exchange.text(this.#connection.settings.idleSeconds);
      return exchange.response.headers.get('etag') ?? '';
    });
    if (check) await this.#expect(path, sha256(), etag, options);
    return { etag };
  }

  /** A directory only with `recursive`. */
  async delete(path: string, options: Conditions & { recursive?: boolean | undefined } = {}): Promise<void> {
    const { recursive, signal } = options;
    const call = {
      method: 'DELETE',
      path: filePath(this.#path, path),
      query: { recursive },
      signal,
    } as const;
    await this.#connection.done({ ...call, headers: conditionsOf(options), repeatable: isFree(options) });
  }

  /** Unpacks a tar, a tar in gzip or a zip, below `path` if that is given. */
  unpack(
    archive: Payload,
    { path, signal }: Asked & { path?: string | undefined } = {},
  ): Promise<{ files: number; bytes: number }> {
    const headers = { 'content-type': 'application/octet-stream' };
    const call = {
      method: 'POST',
      path: `${this.#path}/files`,
      query: { path },
      headers,
      body: archive,
      signal,
    } as const;
    return this.#connection.json({ ...call, repeatable: true });
  }

  /** Puts files, directories and links there together. What has their names is replaced, all else stays. */
  async push(
    entries: Iterable<TarEntry>,
    options: Asked & { path?: string | undefined } = {},
  ): Promise<{ files: number; bytes: number }> {
    const all = [...entries];
    const came = await this.unpack(tarOf(all), options);
    const sent = all.filter(({ directory, target }) => !directory && target === undefined).length;
    if (came.files !== sent)
      throw new IntegrityError(`${came.files} files came of ${sent}`, { code: 'length_mismatch' });
    return came;
  }

  /** What is in it, one after the other, each with its bytes. */
  pull(options: Omit<ArchiveOptions, 'format'> = {}): AsyncGenerator<UntarredEntry, void, void> {
    return untarred(this.archive({ ...options, format: 'tar' }));
  }

  async snapshot(
    input: SnapshotInput = {},
    { whileRunning, signal }: Asked & { whileRunning?: boolean | undefined } = {},
  ): Promise<Snapshot> {
    const id = input.snapshot_id ?? newId();
    const query = { while_running: whileRunning };
    const call = {
      method: 'POST',
      path: `${this.#path}/snapshots`,
      query,
      repeatable: true,
      signal,
    } as const;
    const record = await this.#connection.send<SnapshotRecord>(call, { ...input, snapshot_id: id });
    return new Snapshot(this.#connection, id, record);
  }

  snapshots(options: PageOptions & Asked = {}): Pages<SnapshotRecord> {
    return Pages.of(this.#connection, `${this.#path}/snapshots`, options);
  }

  /** What has changed since a snapshot. */
  diff(from: string, options: DiffOptions = {}): Promise<Diff> {
    return wholeDiff(this.#connection, `${this.#path}/diff`, { from }, options);
  }

  /** The same as a patch that `git apply` takes. */
  patch(from: string, { signal }: Asked = {}): Download {
    const query = { from };
    return new Download(this.#connection, { path: `${this.#path}/diff`, query, headers: PATCH, signal });
  }

  /** Back to a snapshot. `overlay` leaves what is not in it. */
  async restore(
    snapshot: string,
    { mode, signal }: Asked & { mode?: 'exact' | 'overlay' | undefined } = {},
  ): Promise<WorkspaceRecord> {
    const call = { method: 'POST', path: `${this.#path}/restore`, signal } as const;
    this.record = await this.#connection.send<WorkspaceRecord>(call, { snapshot_id: snapshot, mode });
    return this.record;
  }

  /** Back to what it was made from. */
  async reset({ signal }: Asked = {}): Promise<WorkspaceRecord> {
    const call = { method: 'POST', path: `${this.#path}/reset`, signal } as const;
    this.record = await this.#connection.json<WorkspaceRecord>(call);
    return this.record;
  }

  /** `cancel`: its unfinished runs are cancelled first. */
  async remove({ cancel, signal }: Asked & { cancel?: boolean | undefined } = {}): Promise<void> {
    await this.#connection.done({ method: 'DELETE', path: this.#path, query: { cancel }, signal });
  }

  async #expect(path: string, sent: string, etag: string, { signal }: Asked): Promise<void> {
    const [entry] = await this.files({ glob: exactly(path), hash: true, signal }).toArray(1);
    if (entry?.sha256 === sent) return;
    const now = await this.file(path, { signal })
      .head()
      .catch(() => null);
    if (now?.etag === etag) expectSame(sent, entry?.sha256, path); // else somebody changed it since
  }
}

export const conditionsOf = ({ ifMatch, ifNoneMatch }: Conditions): { [name: string]: string } => ({
  ...(ifMatch !== undefined && { 'if-match': ifMatch }),
  ...(ifNoneMatch !== undefined && { 'if-none-match': ifNoneMatch }),
});
/** Twice is as good as once: the second would not be judged by what the first made. */
export const isFree = ({ ifMatch, ifNoneMatch }: Conditions): boolean =>
  ifMatch === undefined && ifNoneMatch === undefined;
