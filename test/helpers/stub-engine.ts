import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunDirectory, runDirectory } from '../../src/disk/run-directory.ts';
import { type ArtifactDescriptor, describeArtifact } from '../../src/documents/artifact.ts';
import { RunwireError } from '../../src/documents/errors.ts';
import { exactInvocation } from '../../src/documents/exact-invocation.ts';
import type { Invocation, InvocationInput } from '../../src/documents/invocation.ts';
import { byChannel } from '../../src/documents/outcome.ts';
import { linksOf, type Record as RunRecord } from '../../src/documents/record.ts';
import { type FinalStatus, isFinal } from '../../src/documents/result.ts';
import type { Phase, Stream } from '../../src/documents/stream.ts';
import type { TerminalSize } from '../../src/documents/terminal.ts';
import type { Engine, ListFilter, RuntimeDescription, SubmitOptions } from '../../src/engine/engine.ts';
import { Recorder } from '../../src/journal/recorder.ts';
import { EventLog } from '../../src/log/event-log.ts';
import { COMPLETED, STUB_KINDS, STUB_NUMBERS, STUB_READINESS, stubEnd } from './stub-documents.ts';

interface StubRun {
  record: RunRecord;
  directory: RunDirectory;
  log: EventLog;
  recorder: Recorder;
  body: string;
  files: Map<string, string>;
  artifacts: ArtifactDescriptor[];
  stdin: Buffer[];
  stdinClosed: boolean;
  waiting: Set<() => void>;
}

/**
 * An engine without runners, for tests of the routes: real log, journal and captures; a run does what
 * the test tells it. `['true']` finishes at once, every other command when `finish` is called.
 */
export class StubEngine implements Engine {
  readonly #root = mkdtempSync(join(tmpdir(), 'runwire-routes-'));
  readonly #runs = new Map<string, StubRun>();
  readonly #keys = new Map<string, string>();
  readonly signals: string[] = [];
  readonly sizes: TerminalSize[] = [];
  readonly callbacks: { id: string; body: unknown }[] = [];
  readonly cancels: (number | undefined)[] = [];
  refusal: RunwireError | null = null;
  ready = true;
  /** Of the last submission. */
  trace: SubmitOptions['trace'];
  #count = 0;

  readonly kinds = STUB_KINDS;

  dispose(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }

  submit(input: InvocationInput, options: SubmitOptions = {}) {
    if (this.refusal !== null) throw this.refusal;
    const { idempotencyKey: key } = options;
    this.trace = options.trace;
    const known = input.invocation_id ?? (key === undefined ? undefined : this.#keys.get(key));
    const body = JSON.stringify(input);
    const earlier = known === undefined ? undefined : this.#runs.get(known);
    if (known !== undefined && earlier !== undefined) {
      if (earlier.body === body) return { id: known, replayed: true, stored: Promise.resolve() };
      throw new RunwireError(
        input.invocation_id ? 'invocation_conflict' : 'idempotency_key_conflict',
        'Another body.',
      );
    }
    const id = input.invocation_id ?? `run-${++this.#count}`;
    if (key !== undefined) this.#keys.set(key, id);
    this.#start(id, input, body);
    if (input.command?.[0] === 'true') this.finish(id);
    return { id, replayed: false, stored: Promise.resolve() };
  }

  /** What the program writes. */
  write(id: string, stream: Stream, chunk: string | Buffer, phase?: Phase): void {
    this.#run(id).recorder.write(stream, Buffer.from(chunk), phase);
  }

  /** The run is over. */
  finish(id: string, status: FinalStatus = 'succeeded', exitCode: number | null = 0): void {
    const run = this.#run(id);
    const { nextSeq, loss: _, ...facts } = run.recorder.end();
    run.recorder.close();
    const time = new Date().toISOString();
    const captures = { ...byChannel(facts), lastSeq: nextSeq + run.artifacts.length };
    const { result, outcome } = stubEnd(run, { status, exitCode, time, captures });
    run.record = { ...run.record, status, finished_at: time, result, outcome };
    run.log.finish({ finishedAt: Date.parse(time), result, outcome });
    for (const wake of [...run.waiting]) wake();
  }

  /** A collected file of a running run. */
  addArtifact(id: string, path: string, bytes: string | Buffer, mediaType = 'text/plain'): string {
    const run = this.#run(id);
    const artifactId = `a${run.artifacts.length + 1}`;
    const file = join(run.directory.artifacts, artifactId);
    mkdirSync(run.directory.artifacts, { recursive: true });
    writeFileSync(file, bytes);
    run.files.set(artifactId, file);
    run.artifacts.push(
      describeArtifact(id, {
        id: artifactId,
        path,
        kind: 'file',
        description: path,
        sizeBytes: Buffer.byteLength(bytes),
        sha256: createHash('sha256').update(bytes).digest('hex'),
        mediaType,
        modifiedAt: new Date().toISOString(),
      }),
    );
    return artifactId;
  }

  stdinOf(id: string): { bytes: Buffer; closed: boolean } {
    const run = this.#run(id);
    return { bytes: Buffer.concat(run.stdin), closed: run.stdinClosed };
  }

  /** Waits and readers that have not let go. */
  holding(id: string): { waits: number; readers: number } {
    const run = this.#run(id);
    return { waits: run.waiting.size, readers: run.log.readers };
  }

  has(id: string): boolean {
    return this.#runs.has(id);
  }

  status(id: string) {
    return this.#run(id).record.status;
  }

  record(id: string): RunRecord {
    return this.#run(id).record;
  }

  recordJson(id: string): string {
    return JSON.stringify(this.record(id));
  }

  exactInvocation(id: string) {
    return exactInvocation(this.record(id).invocation, 'subprocess');
  }

  waitFinished(id: string, ms: number, signal?: AbortSignal): Promise<boolean> {
    const run = this.#run(id);
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
        run.waiting.delete(end);
        resolve(isFinal(run.record.status));
      };
      const timer = setTimeout(end, ms);
      signal?.addEventListener('abort', end, { once: true });
      run.waiting.add(end);
      if (isFinal(run.record.status) || signal?.aborted) end();
    });
  }

  list({ status, limit, cursor, runtimeName }: ListFilter) {
    const from = cursor === undefined ? 0 : Number(cursor);
    const all = [...this.#runs.values()]
      .map((run) => run.record)
      .filter((record) => status === undefined || record.status === status)
      .filter((record) => runtimeName === undefined || record.invocation.runtime_name === runtimeName)
      .reverse();
    const items = all.slice(from, from + limit).map((record) => JSON.stringify(record));
    return { items, nextCursor: from + limit < all.length ? String(from + limit) : null };
  }

  log(id: string): EventLog {
    return this.#run(id).log;
  }

  directory(id: string): RunDirectory {
    return this.#run(id).directory;
  }

  artifacts(id: string): ArtifactDescriptor[] {
    return this.#run(id).artifacts;
  }

  workFiles(): { root: string; isPrivate: () => boolean } {
    throw new RunwireError('file_not_found', 'A stub has no files.');
  }

  async changingFiles(): Promise<never> {
    throw new RunwireError('file_not_found', 'A stub has no files.');
  }

  artifactPath(id: string, artifactId: string) {
    const run = this.#run(id);
    const descriptor = run.artifacts.find((artifact) => artifact.artifact_id === artifactId);
    const file = run.files.get(artifactId);
    if (descriptor === undefined || file === undefined)
      throw new RunwireError('artifact_not_found', 'There is no such artifact.');
    return { descriptor, file, isPrivate: () => false };
  }

  cancel(id: string, graceSeconds?: number): boolean {
    if (isFinal(this.status(id))) return false;
    this.cancels.push(graceSeconds);
    return true;
  }

  async writeStdin(id: string, bytes: Buffer): Promise<void> {
    const run = this.#run(id);
    if (isFinal(run.record.status)) throw new RunwireError('not_running', 'The run has finished.');
    if (run.stdinClosed) throw new RunwireError('stdin_closed', 'Standard input is closed.');
    run.stdin.push(Buffer.from(bytes));
  }

  async closeStdin(id: string): Promise<void> {
    this.#run(id).stdinClosed = true;
  }

  async resize(id: string, size: TerminalSize): Promise<void> {
    this.#run(id);
    this.sizes.push(size);
  }

  async signal(id: string, name: string): Promise<void> {
    this.#run(id);
    this.signals.push(name);
  }

  async callback(id: string, token: string, body: string): Promise<void> {
    if (token !== 'good') throw new RunwireError('unauthorized', 'This address is not good for a run.');
    this.callbacks.push({ id, body });
  }

  claims(): never {
    throw new RunwireError('not_supported', 'No kind of this server has workers.');
  }

  reading<T>(_id: string, read: () => Promise<T>): Promise<T> {
    return read();
  }

  readingFiles<T>(_id: string, read: () => Promise<T>): Promise<T> {
    return read();
  }

  async remove(id: string): Promise<void> {
    if (!isFinal(this.status(id))) throw new RunwireError('not_finished', 'The run has not finished.');
    this.#runs.delete(id);
  }

  async runtimes(): Promise<RuntimeDescription[]> {
    return this.kinds.map(({ kind, name, description }) => ({
      kind,
      name,
      description,
      options_schema: {},
      available: kind === 'subprocess',
      reason: kind === 'subprocess' ? null : 'no Docker here',
    }));
  }

  async runtime(word: string): Promise<RuntimeDescription> {
    const index = this.kinds.findIndex(({ kind, aliases }) => kind === word || aliases?.includes(word));
    const found = (await this.runtimes())[index];
    if (!found) throw new RunwireError('runtime_not_found', `This server has no kind ${word}.`);
    return found;
  }

  async resumed(): Promise<void> {}

  readiness() {
    return { ready: this.ready, reason: this.ready ? null : 'draining', ...STUB_READINESS };
  }

  numbers() {
    return STUB_NUMBERS;
  }

  #start(id: string, input: InvocationInput, body: string): void {
    const directory = runDirectory(this.#root, id);
    mkdirSync(directory.root, { recursive: true });
    const log = new EventLog(id, directory);
    const time = Date.now();
    log.status('pending', time);
    log.status('running', time);
    const recorder = new Recorder({
      directory,
      firstSeq: 3,
      maxOutputBytes: 2 ** 30,
      onAppend: (end) => log.grew(end),
    });
    const record: RunRecord = {
      invocation: { ...COMPLETED, ...input, invocation_id: id } as Invocation,
      runtime_kind: 'subprocess',
      status: 'running',
      created_at: new Date(time).toISOString(),
      started_at: new Date(time).toISOString(),
      finished_at: null,
      result: null,
      outcome: null,
      links: linksOf(id),
    };
    const run = { record, directory, log, recorder, body, files: new Map(), artifacts: [], stdin: [] };
    this.#runs.set(id, { ...run, stdinClosed: false, waiting: new Set() });
  }

  #run(id: string): StubRun {
    const run = this.#runs.get(id);
    if (run === undefined) throw new RunwireError('invocation_not_found', 'There is no such invocation.');
    return run;
  }
}
