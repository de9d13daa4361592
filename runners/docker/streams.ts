import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import type { RunOutput } from '../../src/contract/context.ts';
import type { Stream } from '../../src/documents/stream.ts';
import { parseJson } from '../../src/platform/json-parse.ts';
import type { DockerDaemon } from './daemon.ts';
import { frameSplitter } from './frames.ts';

/** How long an ended container's output may be silent before it is taken as complete. */
const SILENCE_MS = 5000;
/** A connection ends with its container: one that ended so long before did not. */
const EARLY_MS = 100;

/** The output of one container: where it came to, whichever connection brought it. */
export class ContainerOutput {
  readonly #output: RunOutput;
  /** Bytes passed on of each stream. */
  readonly seen: Record<Stream, number>;
  /** Monotonic moment of the first byte, ms. */
  firstByteAt: number | null = null;
  /** Why bytes could not be stored; then no more are taken. */
  failure: Error | null = null;
  onFailure: (() => void) | null = null;
  /** Monotonic moment at which the connection was over, ms; null: it is not. */
  #overAt: number | null = null;
  #activeAt = performance.now();
  #connection: Readable | null = null;
  readonly #letGo: AbortSignal;
  /** Whether the connection was whole: false when it broke off. */
  #ended: Promise<boolean> = Promise.resolve(true);

  /** When `letGo` is aborted nothing is taken any more: it is for the next server. */
  constructor(output: RunOutput, seen: Record<Stream, number>, letGo: AbortSignal) {
    this.#output = output;
    this.seen = seen;
    this.#letGo = letGo;
  }

  /** Take output from a connection whose first byte is byte `from` of each stream. */
  connect(connection: Readable, from: Readonly<Record<Stream, number>>): void {
    const position = { ...from };
    this.#overAt = null;
    const take = frameSplitter((stream, bytes) => {
      const known = Math.min(bytes.length, this.seen[stream] - position[stream]);
      position[stream] += bytes.length;
      if (this.#letGo.aborted) return void connection.destroy();
      if (known < bytes.length) this.#write(stream, known > 0 ? bytes.subarray(known) : bytes);
    });
    this.#connection = connection;
    this.#ended = new Promise((resolve) => {
      connection.on('data', (chunk: Buffer) => {
        try {
          take(chunk);
        } catch (error) {
          this.failure ??= error instanceof Error ? error : new Error(String(error));
          connection.destroy();
          this.onFailure?.();
        }
      });
      connection.on('error', () => resolve(false));
      connection.once('end', () => resolve(true));
      connection.once('close', () => resolve(false));
    });
    void this.#ended.then(() => {
      if (this.#connection === connection) this.#overAt = performance.now();
    });
  }

  /** Was the connection over well before now, when the container has ended: it broke off, whatever it looked like. */
  get brokeOff(): boolean {
    return this.#overAt !== null && performance.now() - this.#overAt > EARLY_MS;
  }

  /** Resolves when the connection has brought all (true), has broken off, or was silent for long. */
  async drain(): Promise<boolean> {
    this.#activeAt = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const silent = new Promise<boolean>((resolve) => {
      const look = (): void => {
        const left = this.#activeAt + SILENCE_MS - performance.now();
        if (left <= 0) resolve(false);
        else timer = setTimeout(look, left);
      };
      look();
    });
    const whole = await Promise.race([this.#ended, silent]);
    clearTimeout(timer);
    this.disconnect();
    return whole;
  }

  disconnect(): void {
    this.#connection?.destroy();
    this.#connection = null;
  }

  #write(stream: Stream, bytes: Buffer): void {
    this.firstByteAt ??= performance.now();
    this.#activeAt = performance.now();
    this.#output.write(stream, bytes);
    this.seen[stream] += bytes.length;
  }
}

/** Attach to the output of a container that has not started: nothing is missed. */
export async function attachOutput(daemon: DockerDaemon, id: string): Promise<Readable> {
  return (await daemon.ask((docker) =>
    docker.getContainer(id).attach({ stream: true, stdout: true, stderr: true, hijack: true }),
  )) as Readable & NodeJS.ReadWriteStream;
}

/**
 * A connection for standard input alone: when the program stops reading, what is left unsent on it cannot
 * take unread output along.
 */
export async function attachInput(daemon: DockerDaemon, id: string): Promise<Socket> {
  return (await daemon.ask((docker) =>
    docker.getContainer(id).attach({ stream: true, stdin: true, stdout: false, stderr: false, hijack: true }),
  )) as Socket; // hijacked, so it is the bare socket
}

/**
 * The daemon's log of a container from its first byte, and on until it has ended: then its last bytes may be missing,
 * for daemons end a log that is followed before they have written a last line without a line end.
 */
export async function followLog(daemon: DockerDaemon, id: string): Promise<Readable> {
  return (await daemon.ask((docker) =>
    docker.getContainer(id).logs({ follow: true, stdout: true, stderr: true }),
  )) as Readable & NodeJS.ReadableStream;
}

/** The daemon's log as it is. Of a container whose exit code is known it is whole. */
export function readLog(daemon: DockerDaemon, id: string): Promise<Readable> {
  // The library's own call takes the log into memory.
  const streams = { stdout: true, stderr: true };
  return daemon.ask((docker) => dial(docker.modem, 'GET', `/containers/${id}/logs?`, streams));
}

/** The exit code when the container has ended; null when the daemon went away before. */
export async function exitOf(daemon: DockerDaemon, id: string): Promise<number | null> {
  const answer = await daemon.ask((docker) => dial(docker.modem, 'POST', `/containers/${id}/wait`));
  let text = '';
  try {
    for await (const chunk of answer) text += chunk.toString();
    const { StatusCode } = parseJson(text) as { StatusCode?: unknown };
    return typeof StatusCode === 'number' ? StatusCode : null;
  } catch {
    return null; // cut off in the middle
  }
}

/** As a stream, for the library's own call never settles when the connection breaks in mid-wait. */
function dial(modem: Docker['modem'], method: string, path: string, query?: object): Promise<Readable> {
  return new Promise((resolve, reject) =>
    modem.dial(
      {
        path,
        method,
        ...(query && { options: query }),
        isStream: true,
        statusCodes: { 200: true, 400: 'bad parameter', 404: 'no such container', 500: 'server error' },
      },
      (error, answer) => (error ? reject(error) : resolve(answer as Readable)),
    ),
  );
}
