import { readlinkSync } from 'node:fs';
import { LeftOut, reasonOf } from '../artifacts/open-inside.ts';
import type { Contents } from '../contents/contents.ts';
import { PRIVATE, PrivateView } from '../disk/private-view.ts';
import { RunwireError } from '../documents/errors.ts';
import { isAbsence, type Step, type Ways, walk } from '../files/walk.ts';
import { Choice } from './choice.ts';
import { FileClock } from './clock.ts';
import type { Crew } from './crew.ts';
import { FileIndex, type FileState, IndexWriter } from './index-file.ts';
import type { Captured, CaptureJob } from './jobs.ts';
import { type KeepContext, KeepWorker, type KeptState } from './keep-task.ts';
import type { Listed } from './list.ts';
import { ListWriter } from './list-writer.ts';
import { Omissions } from './omissions.ts';

/** So many things are met before what was met is read: memory stays flat. */
const MOST_MET = 16_384;

/** A thing on its way into the list; a file with the state in which it can be known again, or its place in the index. */
type Met =
  | { type: 'listed'; listed: Listed; state?: FileState | number }
  /** A directory that is listed if something in it is. */
  | { type: 'within'; listed: Listed }
  /** A file that has to be read. */
  | { type: 'unread'; path: string };

type Listing = Extract<Met, { type: 'listed' }>;

export function capture(contents: Contents, job: CaptureJob, crew: Crew, goOn: () => void): Captured {
  const taking = new Taking(contents, job, crew, goOn);
  try {
    return taking.all();
  } finally {
    taking.close();
  }
}

class Taking {
  readonly #contents: Contents;
  readonly #job: CaptureJob;
  readonly #crew: Crew;
  readonly #goOn: () => void;
  readonly #choice: Choice;
  readonly #omissions = new Omissions();
  readonly #known: FileIndex;
  readonly #index = new IndexWriter();
  readonly #stamp: string;
  /** Contents may have been taken away since the index was written. */
  readonly #isSwept: boolean;
  readonly #list: ListWriter;
  readonly #context: KeepContext;
  readonly #isPrivate: (stats: Step['stats'], descriptor: number) => boolean;
  #met: Met[] = [];
  #unread = 0;
  #within: Listed[] = [];
  #own: KeepWorker | null = null;
  #clock: FileClock | null = null;
  #isNews = false;
  #same: number[] = [];
  #files = 0;
  #bytes = 0;

  constructor(contents: Contents, job: CaptureJob, crew: Crew, goOn: () => void) {
    const view = new PrivateView(job.seen);
    this.#contents = contents;
    this.#job = job;
    this.#crew = crew;
    this.#goOn = goOn;
    this.#choice = new Choice(job.keep, job.ignore);
    this.#stamp = contents.stamp();
    this.#known = FileIndex.read(job.index, job.root);
    this.#isSwept = this.#known.stamp !== this.#stamp;
    this.#list = new ListWriter(contents);
    this.#context = { root: job.root, seen: job.seen, clock: job.index };
    this.#isPrivate = (stats, fd) => view.holdsFile(stats, fd);
  }

  all(): Captured {
    const { root, index } = this.#job;
    const ways: Ways = { asOwner: true, ...(index !== null && this.#memory(index)) };
    for (const step of walk({ root, isPrivate: this.#isPrivate }, ways)) {
      this.#goOn();
      this.#meet(step);
      if (this.#met.length >= MOST_MET) this.#settle();
    }
    this.#settle();
    const digest = this.#list.finish();
    this.#contents.sync();
    if (index !== null) this.#writeIndex(index);
    return { digest, files: this.#files, bytes: this.#bytes, omitted: this.#omissions.all() };
  }

  close(): void {
    this.#clock?.close();
    this.#list.close();
    this.#own?.close();
  }

  #meet(step: Step): void {
    const { path, type, stats, place } = step;
    const chosen = this.#chosen(path, type === 'directory');
    const against = chosen === 'left' ? null : reasonAgainst(step);
    if (chosen === 'left' || against !== null) {
      step.into = false;
      if (against !== null) this.#omissions.add(path, against);
    } else if (type === 'directory') {
      const listed: Listed = { path, type, mode: stats.mode & 0o777 };
      if (chosen === 'taken') this.#meetListed({ type: 'listed', listed });
      else this.#met.push({ type: 'within', listed });
    } else if (type === 'link') this.#link(path, place);
    else this.#file(step);
  }

  /** Directories in which nothing came, went or got another name are not read either. */
  #memory(index: string): Pick<Ways, 'names' | 'learnt'> {
    const clock = new FileClock(index);
    this.#clock = clock;
    let isSettled = false;
    return {
      names: (path, stats) => {
        const names = this.#known.namesIn(path, stats);
        if (names) this.#index.addDirectory(path, stats, names);
        // Before it is read: what comes into it later gives it another time.
        else isSettled = clock.passes(stats);
        return names;
      },
      learnt: (path, stats, names) => {
        if (!isSettled) return;
        this.#isNews = true;
        this.#index.addDirectory(path, stats, names);
      },
    };
  }

  /** It waits only where something before it does. */
  #meetListed(met: Listing): void {
    if (this.#met.length > 0) this.#met.push(met);
    else this.#take(met);
  }

  #chosen(path: string, isDirectory: boolean): ReturnType<Choice['of']> {
    try {
      return this.#choice.of(path, isDirectory);
    } catch (error) {
      if (!(error instanceof LeftOut)) throw error;
      throw new RunwireError('invalid_field', 'the globs take too long to compare', { cause: error });
    }
  }

  #link(path: string, place: string | Buffer): void {
    try {
      const target = readlinkSync(place, { encoding: 'buffer' });
      const text = target.toString('utf8');
      if (target.equals(Buffer.from(text)))
        this.#meetListed({ type: 'listed', listed: { path, type: 'link', target: text } });
      else this.#omissions.add(path, 'a link whose text is not UTF-8');
    } catch (error) {
      if (!isAbsence(error) && (error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
      this.#omissions.add(path, reasonOf(error));
    }
  }

  #file({ path, stats, place, asOwner }: Step): void {
    const at = this.#known.find(path, stats);
    const sha256 = at < 0 ? '' : this.#known.hashAt(at);
    if (at >= 0 && (!this.#isSwept || this.#contents.has(sha256, stats.size))) {
      const { mode, size } = stats;
      const listed: Listed = { path, type: 'file', mode: mode & 0o777, size, sha256 };
      return this.#meetListed({ type: 'listed', listed, state: at });
    }
    this.#isNews = true;
    if (asOwner) {
      // The other thread would come to the directory with its own permissions.
      this.#own ??= new KeepWorker(this.#contents, this.#context, this.#goOn);
      this.#kept(path, this.#own.at(place), (met) => this.#meetListed(met));
      return;
    }
    this.#met.push({ type: 'unread', path });
    this.#unread++;
  }

  #kept(path: string, kept: KeptState | string, take: (met: Listing) => void): void {
    if (typeof kept === 'string') return this.#omissions.add(path, kept);
    const { mode, size, sha256, isSettled } = kept;
    const listed: Listed = { path, type: 'file', mode, size, sha256 };
    take({ type: 'listed', listed, ...(isSettled && { state: kept }) });
  }

  /** Reads what was met and is not known, and lists all of it. */
  #settle(): void {
    const paths = this.#met.flatMap((met) => (met.type === 'unread' ? met.path : []));
    const results =
      this.#unread === 0 ? [] : this.#crew.all<string, KeptState | string>('keep', this.#context, paths);
    let next = 0;
    for (const met of this.#met)
      if (met.type === 'listed') this.#take(met);
      else if (met.type === 'unread')
        this.#kept(met.path, results[next++] as KeptState | string, (kept) => this.#take(kept));
      else this.#within = [...this.#around(met.listed.path), met.listed];
    this.#met = [];
    this.#unread = 0;
  }

  #take({ listed, state }: Listing): void {
    if (this.#within.length > 0) for (const directory of this.#around(listed.path)) this.#list.add(directory);
    this.#within = [];
    this.#list.add(listed);
    if (listed.type !== 'file') return;
    this.#files++;
    this.#bytes += listed.size;
    if (state !== undefined) this.#remember(listed.path, state, listed.sha256);
  }

  /** Of a tree without news nothing is written: until there are some, places are enough. */
  #remember(path: string, state: FileState | number, sha256: string): void {
    if (typeof state === 'number' && !this.#isNews) this.#same.push(state);
    else {
      for (const at of this.#same) this.#index.addKnown(this.#known, at);
      this.#same = [];
      if (typeof state === 'number') this.#index.addKnown(this.#known, state);
      else this.#index.add(path, state, sha256);
    }
  }

  /** Of the directories that may come to be listed those around a path. */
  #around(path: string): Listed[] {
    return this.#within.filter((directory) => path.startsWith(`${directory.path}/`));
  }

  #writeIndex(path: string): void {
    const { keep, ignore } = this.#job;
    const isWhole = keep === undefined && (ignore ?? []).length === 0;
    if (!this.#isNews && !this.#isSwept && (!isWhole || this.#known.files === this.#same.length)) return;
    for (const at of this.#same) this.#index.addKnown(this.#known, at);
    if (!isWhole && !this.#isSwept) this.#index.addOthers(this.#known);
    this.#index.write(path, this.#job.root, this.#stamp);
  }
}

function reasonAgainst({ type, isUtf8, shut }: Step): string | null {
  if (!isUtf8) return 'its name is not UTF-8';
  if (shut === 'private') return PRIVATE;
  if (shut === 'deep') return 'too many directories around it';
  if (shut !== null) return reasonOf(shut);
  if (type === 'fifo') return 'a FIFO';
  if (type === 'socket') return 'a socket';
  return type === 'device' ? 'a device' : null;
}
