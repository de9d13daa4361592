import { lstat, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { lookup } from 'mime-types';
import type { PrivatePlaces } from '../disk/private-places.ts';
import { artifactFile, type RunDirectory } from '../disk/run-directory.ts';
import type { ArtifactCaps, ArtifactFacts, Omitted } from '../documents/artifact.ts';
import type { Invocation } from '../documents/invocation.ts';
import { type BytePath, toText } from '../platform/byte-path.ts';
import { shortageOf } from '../platform/shortage.ts';
import { keepCopy } from './copy.ts';
import { openFound } from './found-file.ts';
import { ArtifactIds } from './ids.ts';
import type { Mount } from './mount.ts';
import { Omissions } from './omissions.ts';
import { LeftOut, type OpenFile, reasonOf, STOPPED } from './open-inside.ts';
import { type ArtifactSource, globbed, wholeDirectory } from './source.ts';
import { StopWalk, type Walked, walkFiles } from './walk.ts';

const COPIES_AT_ONCE = 2;
const FIRST_MS = Date.parse('0000-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');
const DEFAULT_ENTRIES = 250_000;

/** Where artifacts are collected from, links resolved before the run; null: nothing is asked for there. */
export interface RealRoots {
  working: string | null;
  artifact: string | null;
  /** Why nothing is collected from there, where that was seen before the work went on. */
  refused?: string;
}

export interface CollectionRequest {
  invocation: { options: Pick<Invocation['options'], 'artifacts'> };
  directory: RunDirectory;
  /** Absolute paths. */
  workingDirectory: string;
  artifactDirectory: string | null;
  /** What prepareWorkingPaths found: a directory that leads elsewhere now is not collected from. */
  roots?: RealRoots;
  /** The program had a tree of its own, of this: its links mean what they meant there. */
  mounts?: readonly Mount[] | null;
  /** What is never collected. */
  places: PrivatePlaces;
  /** Ids of artifacts that the run has already. */
  takenIds?: Iterable<string>;
  caps: ArtifactCaps;
  signal?: AbortSignal;
}

export interface Collection {
  /** In order of their paths. The bytes are at artifactFile(directory, id). */
  artifacts: ArtifactFacts[];
  /** In the order in which they were met. */
  omitted: Omitted[];
  /** Bytes kept. */
  bytes: number;
  /** What ran out, in words, so that files were left out; null: nothing did. */
  shortage: string | null;
}

/** A file on its way into the storage. */
interface Copying {
  source: ArtifactSource;
  found: Walked & { type: 'file' | 'link' };
  id: string;
  path: string;
  relative: string;
  /** Bytes, when it was admitted. */
  size: number;
  /** Another was copied at the same time. */
  shared: boolean;
}

/**
 * Keep what a run made: the whole artifact directory, and the files under the working directory that its
 * globs match. Every file is copied, so it stays what it was. Never throws for what the files are or
 * become: what is left out is in `omitted`. When nothing was asked for the file system is not touched.
 */
export async function collectArtifacts(request: CollectionRequest): Promise<Collection> {
  const patterns = request.invocation.options.artifacts ?? [];
  if (patterns.length === 0 && request.artifactDirectory === null)
    return { artifacts: [], omitted: [], bytes: 0, shortage: null };
  const refused = request.roots?.refused;
  if (refused !== undefined) {
    const path = request.artifactDirectory ?? request.workingDirectory;
    return { artifacts: [], omitted: [{ path, reason: refused }], bytes: 0, shortage: null };
  }
  const collecting = new Collecting(request);
  const { omissions } = collecting;
  const { artifactDirectory, workingDirectory, roots, mounts = null } = request;
  const places = request.places.look(request.directory);
  if (artifactDirectory !== null) {
    const wanted = { shown: artifactDirectory, expected: roots?.artifact, places, mounts };
    await collecting.from(await wholeDirectory(wanted, omissions));
  }
  if (patterns.length > 0) {
    const wanted = { shown: workingDirectory, expected: roots?.working, places, mounts };
    await collecting.from(await globbed(wanted, patterns, omissions));
  }
  return collecting.finish();
}

class Collecting {
  readonly omissions = new Omissions();
  readonly #request: CollectionRequest;
  readonly #ids: ArtifactIds;
  readonly #seen = new Set<BytePath>();
  readonly #copies = new Map<Copying, Promise<void>>();
  /** Those for which there was no room beside others: what failed with them has given room back. */
  readonly #starved: Copying[] = [];
  readonly #artifacts: ArtifactFacts[] = [];
  #made: Promise<unknown> | null = null;
  #count = 0;
  #reservedBytes = 0;
  #shortage: string | null = null;

  constructor(request: CollectionRequest) {
    this.#request = request;
    this.#ids = new ArtifactIds(request.takenIds);
  }

  async from(source: ArtifactSource | null): Promise<void> {
    if (!source) return;
    const { caps, signal } = this.#request;
    const unmatched = new Set(source.globs?.map((glob) => glob.source));
    const walk = walkFiles({
      bounds: source.bounds,
      globs: source.position,
      maxEntries: caps.entries ?? DEFAULT_ENTRIES,
      signal,
    });
    try {
      for await (const walked of walk) {
        for (const glob of walked.matched) unmatched.delete(glob.source);
        await this.#take(source, walked);
      }
      for (const pattern of unmatched) this.omissions.add(pattern, 'no file matches');
    } catch (error) {
      this.omissions.add(source.shown, reasonOf(error));
    }
  }

  async finish(): Promise<Collection> {
    await Promise.all(this.#copies.values());
    for (const copying of this.#starved.sort((a, b) => a.size - b.size)) await this.#again(copying);
    const artifacts = this.#artifacts.sort((a, b) => (`${a.path}\0${a.id}` < `${b.path}\0${b.id}` ? -1 : 1));
    const bytes = artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    return { artifacts, omitted: this.omissions.list(), bytes, shortage: this.#shortage };
  }

  async #take(source: ArtifactSource, walked: Walked): Promise<void> {
    if (this.#request.signal?.aborted) throw new StopWalk(STOPPED);
    if (this.#seen.has(walked.path)) return;
    this.#seen.add(walked.path);
    const relative = toText(relativeTo(source.bounds.root, walked.path));
    const path = join(source.shown, relative);
    let file: OpenFile | undefined;
    try {
      if (walked.type === 'omitted') throw new LeftOut(walked.reason);
      file = await openFound(source.bounds, walked);
      this.#admit(file.stats.size);
      await this.#turn();
      const id = this.#ids.make(relative);
      const { size } = file.stats;
      this.#start(file, { source, found: walked, id, path, relative, size, shared: false });
    } catch (error) {
      await file?.handle.close();
      if (error instanceof StopWalk) throw error;
      this.#leaveOut(path, error);
    }
  }

  #leaveOut(path: string, error: unknown): void {
    this.#shortage ??= shortageOf(error)?.words ?? null;
    this.omissions.add(path, reasonOf(error));
  }

  /** Throws LeftOut when a file of this size is too much. */
  #admit(size: number): void {
    const { fileBytes, totalBytes, count } = this.#request.caps;
    if (this.#count >= count) throw new StopWalk(`more than ${count} files: the rest was not looked at`);
    if (size > fileBytes) throw new LeftOut(`larger than ${fileBytes} bytes`);
    if (this.#reservedBytes + size > totalBytes) throw new LeftOut(`total of ${totalBytes} bytes reached`);
    this.#count++;
    this.#reservedBytes += size;
  }

  /** Wait until one more copy may run. */
  async #turn(): Promise<void> {
    this.#made ??= makeStorage(this.#request.directory);
    await this.#made;
    while (this.#copies.size >= COPIES_AT_ONCE) await Promise.race(this.#copies.values());
  }

  #start(file: OpenFile, copying: Copying): void {
    for (const other of this.#copies.keys()) other.shared = copying.shared = true;
    const copy = this.#copy(file, copying)
      .catch((error: unknown) => {
        if (copying.shared && shortageOf(error)) this.#starved.push(copying);
        else this.#leaveOut(copying.path, error);
      })
      .finally(() => this.#copies.delete(copying));
    this.#copies.set(copying, copy);
  }

  /** Alone this time. */
  async #again(copying: Copying): Promise<void> {
    try {
      await this.#copy(await openFound(copying.source.bounds, copying.found), copying);
    } catch (error) {
      this.#leaveOut(copying.path, error);
    }
  }

  async #copy({ handle, stats }: OpenFile, { id, path, relative, size }: Copying): Promise<void> {
    const destination = artifactFile(this.#request.directory, id);
    const copied = await keepCopy(handle, size, destination, this.#request.signal).finally(() =>
      handle.close(),
    );
    this.#artifacts.push({
      id,
      path,
      kind: 'file',
      description: relative,
      ...copied,
      mediaType: lookup(basename(relative)) || 'application/octet-stream',
      modifiedAt: timeOf(stats.mtimeMs),
    });
  }
}

/** A program can leave a link there: copies would be written over what it leads to. */
async function makeStorage({ artifacts }: RunDirectory): Promise<void> {
  await mkdir(artifacts, { recursive: true, mode: 0o700 });
  if (!(await lstat(artifacts)).isDirectory()) throw new LeftOut('something else is where copies are kept');
}

function relativeTo(root: BytePath, path: BytePath): BytePath {
  return path.slice(root.length).replace(/^\//, '') as BytePath;
}

/** RFC 3339 has the years 0000 to 9999; a file may say anything. */
function timeOf(ms: number): string {
  return new Date(Math.min(Math.max(ms, FIRST_MS), LAST_MS)).toISOString();
}
