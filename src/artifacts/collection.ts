import { basename, join } from 'node:path';
import { lookup } from 'mime-types';
import type { PrivatePlaces } from '../disk/private-places.ts';
import { artifactFile, type RunDirectory } from '../disk/run-directory.ts';
import type { ArtifactCaps, ArtifactFacts, Omitted } from '../documents/artifact.ts';
import type { Output } from '../documents/declared-files.ts';
import type { Invocation } from '../documents/invocation.ts';
import { type BytePath, bytePath, joinBytes, toText } from '../platform/byte-path.ts';
import { shortageOf } from '../platform/shortage.ts';
import { CountedCaps } from './caps.ts';
import { keepCopy } from './copy.ts';
import { openFound } from './found-file.ts';
import { ArtifactIds } from './ids.ts';
import type { Mount } from './mount.ts';
import { Omissions } from './omissions.ts';
import { LeftOut, type OpenFile, reasonOf, STOPPED } from './open-inside.ts';
import { type DirectoryTar, KeptOutputs, type MissingOutput } from './outputs.ts';
import { type ArtifactSource, boundsOf, globbed, type Wanted, wholeDirectory } from './source.ts';
import { makeStorage, timeOf } from './storage.ts';
import { StopWalk, type Walked, walkFiles } from './walk.ts';

const COPIES_AT_ONCE = 2;
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
  /** What the run was to leave behind; an id that the run has already is there. Default: nothing. */
  outputs?: DeclaredOutputs | undefined;
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

export interface DeclaredOutputs {
  declared: readonly Output[];
  /** Why none is looked for in the working directory, in words; null: they are. */
  nowhere: string | null;
  /** Those that were brought from elsewhere, each under this name in a place of its own; or why they were not. */
  brought: ReadonlyMap<string, { place: string | null; reason?: string }>;
  broughtAs: string;
  tarOf: DirectoryTar;
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
  /** Outputs that had to be there; they are in `omitted` too. */
  missing: MissingOutput[];
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
 * Keep what a run made: its outputs, then the whole artifact directory, and the files under the working directory that its
 * globs match. Every file is copied, so it stays what it was. Never throws for what the files are or
 * become: what is left out is in `omitted`. When nothing was asked for the file system is not touched.
 */
export async function collectArtifacts(request: CollectionRequest): Promise<Collection> {
  const patterns = request.invocation.options.artifacts ?? [];
  const { artifactDirectory, workingDirectory, roots, mounts = null, outputs } = request;
  if (patterns.length === 0 && artifactDirectory === null && !outputs?.declared.length)
    return nothingCollected();
  const collecting = new Collecting(request);
  const { omissions } = collecting;
  const refused = request.roots?.refused;
  if (refused !== undefined) {
    if (outputs) await collecting.outputs(outputs, refused);
    if (patterns.length > 0 || artifactDirectory !== null)
      omissions.add(artifactDirectory ?? workingDirectory, refused);
    return collecting.finish();
  }
  const places = request.places.look(request.directory);
  const working: Wanted = { shown: workingDirectory, expected: roots?.working, places, mounts };
  if (outputs?.declared.length) await collecting.outputs(outputs, working);
  if (artifactDirectory !== null) {
    const wanted = { shown: artifactDirectory, expected: roots?.artifact, places, mounts };
    await collecting.from(await wholeDirectory(wanted, omissions));
  }
  if (patterns.length > 0) await collecting.from(await globbed(working, patterns, omissions));
  return collecting.finish();
}

/** Nothing was collected, and why, where outputs had to be there. */
export function nothingCollected(outputs: readonly Output[] = [], reason = ''): Collection {
  const missing = outputs.filter(isRequired).map(({ id, path }) => ({ id, path, reason }));
  const omitted = outputs.map(({ path }) => ({ path, reason }));
  return { artifacts: [], omitted, bytes: 0, shortage: null, missing };
}

const isRequired = ({ required = true }: Output): boolean => required;

class Collecting {
  readonly omissions = new Omissions();
  readonly #request: CollectionRequest;
  readonly #ids: ArtifactIds;
  readonly #seen = new Set<BytePath>();
  readonly #copies = new Map<Copying, Promise<void>>();
  /** Those for which there was no room beside others: what failed with them has given room back. */
  readonly #starved: Copying[] = [];
  readonly #artifacts: ArtifactFacts[] = [];
  readonly #missing: MissingOutput[] = [];
  readonly #caps: CountedCaps;
  #outputs: KeptOutputs | null = null;
  #made: Promise<unknown> | null = null;
  #shortage: string | null = null;

  constructor(request: CollectionRequest) {
    this.#request = request;
    this.#caps = new CountedCaps(request.caps);
    // Nothing else gets the id of an output, also where that is missing.
    const declared = request.outputs?.declared ?? [];
    this.#ids = new ArtifactIds([...(request.takenIds ?? []), ...declared.map(({ id }) => id)]);
  }

  /** Each by itself, so that they have the room that there is. `from`: where they are, or why they are nowhere. */
  async outputs(
    { declared, nowhere, brought, broughtAs, tarOf }: DeclaredOutputs,
    from: Wanted | string,
  ): Promise<void> {
    const { directory, caps, signal, takenIds = [] } = this.#request;
    const there = new Set(takenIds);
    const maxEntries = caps.entries ?? DEFAULT_ENTRIES;
    const leaveOut = (path: string, reason: string) => this.omissions.add(path, reason);
    this.#outputs = new KeptOutputs({ directory, caps: this.#caps, maxEntries, tarOf, leaveOut, signal });
    const bounds = nowhere ?? (typeof from === 'string' ? from : await boundsOf(from));
    for (const output of declared)
      try {
        if (there.has(output.id)) continue;
        const own = brought.get(output.id);
        const within = own === undefined ? bounds : await this.#placeOf(own);
        if (typeof within === 'string') throw new LeftOut(within);
        if (signal?.aborted) throw new LeftOut(STOPPED);
        const at = own === undefined ? output.path : broughtAs;
        this.#artifacts.push(await this.#outputs.keep(within, this.#request.workingDirectory, output, at));
        if (own !== undefined && typeof bounds !== 'string')
          this.#outputs.keptAs(joinBytes(bounds.root, bytePath(output.path)));
      } catch (error) {
        this.#leaveOut(output.path, error);
        if (isRequired(output))
          this.#missing.push({ id: output.id, path: output.path, reason: reasonOf(error) });
      }
  }

  async #placeOf({ place, reason = 'does not exist' }: { place: string | null; reason?: string }) {
    if (place === null) return reason;
    const places = this.#request.places.look({ work: place });
    return boundsOf({ shown: place, expected: null, places, mounts: null });
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
    const [omitted, shortage, missing] = [this.omissions.list(), this.#shortage, this.#missing];
    return { artifacts, omitted, bytes, shortage, missing };
  }

  async #take(source: ArtifactSource, walked: Walked): Promise<void> {
    if (this.#request.signal?.aborted) throw new StopWalk(STOPPED);
    if (this.#seen.has(walked.path) || this.#outputs?.has(walked.path)) return;
    this.#seen.add(walked.path);
    const relative = toText(relativeTo(source.bounds.root, walked.path));
    const path = join(source.shown, relative);
    let file: OpenFile | undefined;
    try {
      if (walked.type === 'omitted') throw new LeftOut(walked.reason);
      file = await openFound(source.bounds, walked);
      this.#caps.admit(file.stats.size);
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

function relativeTo(root: BytePath, path: BytePath): BytePath {
  return path.slice(root.length).replace(/^\//, '') as BytePath;
}
