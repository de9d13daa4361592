import type { Asked } from './asked.ts';
import type { Connection } from './connection.ts';
import { Download } from './download.ts';
import { ConflictError, RunwireError } from './errors.ts';
import { type EventsOptions, readEvents } from './events.ts';
import { gathered } from './gathered.ts';
import { type Line, type LinesOptions, linesIn } from './lines.ts';
import type { ArtifactDescriptor, Record, RuntimeEvent } from './openapi.ts';
import { type OutputOptions, readOutput } from './output.ts';
import { type OutputPart, type PartOptions, readPart } from './output-part.ts';
import type { Pages } from './pages.ts';
import { pause } from './pause.ts';
import { isStream, type Payload, partsOf } from './payload.ts';
import { segment } from './segment.ts';
import { Terminal, type TerminalOptions } from './terminal.ts';
import {
  type ArchiveOptions,
  archiveOf,
  type FileEntry,
  type FilesOptions,
  fileOf,
  filesOf,
} from './tree.ts';

export interface WaitOptions extends Asked {
  /** Throw RunFailedError unless it succeeded. */
  check?: boolean | undefined;
}

/** The record of a run that has finished. */
export type FinishedRecord = Record & {
  result: NonNullable<Record['result']>;
  outcome: NonNullable<Record['outcome']>;
};

/** The run ended, and not well: that is no failure of the server or the connection. `code` is its status. */
export class RunFailedError extends RunwireError {
  readonly record: FinishedRecord;

  constructor(record: FinishedRecord) {
    const { invocation_id: id, error_summary: why, exit_code: code } = record.result;
    super(`${id} ${record.status}: ${why ?? `exit code ${code}`}`, { code: record.status });
    this.record = record;
  }
}

/** One look at a run lasts so long: a connection that died without a word is noticed after it. */
const WAIT_SECONDS = 30;

/** A run of the server, which goes on whatever becomes of this object, unless it is used with `await using`. */
export class Run implements AsyncDisposable {
  readonly id: string;
  /** As it was told last. */
  record: Record | null;
  readonly #connection: Connection;
  readonly #path: string;
  #detached = false;
  #stdin: Promise<unknown> = Promise.resolve();

  constructor(connection: Connection, id: string, record: Record | null = null) {
    this.id = id;
    this.record = record;
    this.#connection = connection;
    this.#path = `/invocations/${segment(id)}`;
  }

  /** The record as it is now. */
  async refresh({ signal }: Asked = {}): Promise<Record> {
    this.record = await this.#connection.json<Record>({ path: this.#path, signal });
    return this.record;
  }

  /** Its record when it has finished, however it ended; waits through restarts of the server. */
  async wait({ check = false, signal }: WaitOptions = {}): Promise<FinishedRecord> {
    const retrySeconds = this.#connection.settings.resumeSeconds;
    const query = { wait: WAIT_SECONDS };
    const call = { path: this.#path, query, waitSeconds: WAIT_SECONDS, retrySeconds, signal };
    while (this.record?.result == null) this.record = await this.#connection.json<Record>(call);
    const record = this.record as FinishedRecord;
    if (check && record.status !== 'succeeded') throw new RunFailedError(record);
    return record;
  }

  /** Its events from the first on, or after one that is known, until it has finished. */
  events(options: EventsOptions = {}): AsyncGenerator<RuntimeEvent, void, void> {
    return readEvents(this.#connection, this.#path, options);
  }

  /** The lines that it writes. */
  lines(options: LinesOptions & Omit<EventsOptions, 'after'> = {}): AsyncGenerator<Line, void, void> {
    const { follow, signal } = options;
    return linesIn(this.events({ follow, signal }), options);
  }

  /** The bytes that it writes, exact. */
  output(options: OutputOptions = {}): AsyncGenerator<Uint8Array, void, void> {
    return readOutput(this.#connection, this.#path, this, options);
  }

  /** The same as text, in memory, when it has finished. */
  async text(options: OutputOptions = {}): Promise<string> {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    let text = '';
    for await (const part of this.output(options)) text += decoder.decode(part, { stream: true });
    return text + decoder.decode();
  }

  /** Some of them, of those that are there now: `from` a byte, or that many before the end where it is negative. */
  part(options: PartOptions): Promise<OutputPart> {
    return readPart(this.#connection, this.#path, options);
  }

  /** Asks it to end. Does nothing to one that has finished. */
  async cancel({
    graceSeconds,
    signal,
  }: Asked & { graceSeconds?: number | undefined } = {}): Promise<Record> {
    const call = { method: 'POST', path: `${this.#path}/cancel`, repeatable: true, signal } as const;
    this.record = await this.#connection.send<Record>(call, { grace_seconds: graceSeconds });
    return this.record;
  }

  /** Sends a signal to its process group: `SIGINT`. It is not sent again where its fate is not known. */
  async signal(name: string, { signal }: Asked = {}): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ signal: name });
    await this.#connection.done({ method: 'POST', path: `${this.#path}/signals`, headers, body, signal });
  }

  /**
   * Feeds its standard input (`options.stdin_open`), each call after the one before; waits until the run has started. Resolves when all is taken.
   * ConnectionError `connection_lost`: how much of it was taken is not known, and nothing is sent twice.
   */
  writeStdin(bytes: Payload, { signal }: Asked = {}): Promise<void> {
    return this.#inTurn(async () => {
      if (!isStream(bytes)) return this.#feed(bytes, signal);
      for await (const part of gathered(partsOf(bytes))) await this.#feed(part, signal);
    });
  }

  /** Ends its standard input. */
  closeStdin({ signal }: Asked = {}): Promise<void> {
    return this.#inTurn(() => this.#feed('', signal, true));
  }

  /** Its terminal (`options.terminal`), from the first byte on. */
  terminal(options: TerminalOptions = {}): Terminal {
    return new Terminal(this.#connection, `${this.#path}/terminal`, options);
  }

  /** It goes on when an `await using` ends. */
  detach(): this {
    this.#detached = true;
    return this;
  }

  /** What it left behind: stdout and stderr first. */
  async artifacts({ signal }: Asked = {}): Promise<ArtifactDescriptor[]> {
    const path = `${this.#path}/artifacts`;
    return (await this.#connection.json<{ items: ArtifactDescriptor[] }>({ path, signal })).items;
  }

  /** The bytes of one, by its `artifact_id`. */
  artifact(id: string, { signal }: Asked = {}): Download {
    const path = `${this.#path}/artifacts/${segment(id)}`;
    return new Download(this.#connection, { path, signal });
  }

  /** What is in its working directory, where the server made that. */
  files(options: FilesOptions = {}): Pages<FileEntry> {
    return filesOf(this.#connection, this.#path, options);
  }

  file(path: string, options: Asked = {}): Download {
    return fileOf(this.#connection, this.#path, path, options);
  }

  archive(options: ArchiveOptions = {}): Download {
    return archiveOf(this.#connection, this.#path, options);
  }

  /** Removes the record and the files of a run that has finished. */
  async remove({ signal }: Asked = {}): Promise<void> {
    await this.#connection.done({ method: 'DELETE', path: this.#path, signal });
  }

  /** A run that has not finished is cancelled. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#detached && this.record?.result == null) await this.cancel();
  }

  async #feed(body: Payload, signal: AbortSignal | undefined, eof = false): Promise<void> {
    const headers = { 'content-type': 'application/octet-stream' };
    // The program may take its time.
    const waitSeconds = Number.POSITIVE_INFINITY;
    const call = { method: 'POST', path: `${this.#path}/stdin`, headers, body, waitSeconds, signal } as const;
    for (let ms = 10; ; ms = Math.min(1000, 2 * ms)) {
      try {
        return await this.#connection.done({ ...call, repeatable: eof, ...(eof && { query: { eof } }) });
      } catch (error) {
        if (!(error instanceof ConflictError && error.code === 'not_running')) throw error;
        if ((await this.refresh({ signal })).result !== null) throw error;
        await pause(ms, signal);
      }
    }
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    const done = this.#stdin.then(act);
    this.#stdin = done.catch(() => {}); // it is told to who asked
    return done;
  }
}
