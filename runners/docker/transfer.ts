import { Readable } from 'node:stream';
import type { RunContext, RunOutput } from '../../src/contract/context.ts';
import { LONGEST_MS } from '../../src/platform/timer.ts';
import type { DockerDaemon } from './daemon.ts';

/** After so long without a byte it is given up. */
const STILL_MS = 120_000;
/** So often it is told how far it has come: a run in which something moves is not idle. */
const TELL_MS = 1000;

/**
 * A tar into a container, below `path`, for as long as it moves. What goes wrong with the tar itself is the cause of what is thrown. Given up,
 * without a word, when the run is aborted.
 */
export async function sendTar(
  daemon: DockerDaemon,
  { id, path, tar }: { id: string; path: string; tar: Readable },
  { output, signal }: Pick<RunContext, 'output' | 'signal'>,
): Promise<void> {
  const transfer = new Transfer('copying files into the container', output);
  const sent = Readable.from(transfer.of(tar), { objectMode: false });
  const abortSignal = AbortSignal.any([signal, transfer.signal]);
  // The client of the engine does not hear what the stream met.
  const broken = new Promise<never>((_, reject) => tar.once('error', reject));
  try {
    const put = daemon.ask((docker) => docker.getContainer(id).putArchive(sent, { path, abortSignal }), {
      ms: LONGEST_MS,
    });
    await Promise.race([put, broken]);
  } catch (error) {
    if (!signal.aborted) throw transfer.signal.aborted ? transfer.signal.reason : error;
  } finally {
    transfer.close();
    sent.destroy();
    tar.destroy();
  }
}

/** Bytes on their way to a container or from it, for as long as they move. */
export class Transfer {
  readonly #words: string;
  readonly #output: Pick<RunOutput, 'progress'>;
  readonly #stalled = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #bytes = 0;
  #toldAt = performance.now();

  constructor(words: string, output: Pick<RunOutput, 'progress'>) {
    this.#words = words;
    this.#output = output;
    this.#arm();
  }

  /** Aborted when nothing has moved for too long. */
  get signal(): AbortSignal {
    return this.#stalled.signal;
  }

  async *of(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      this.#moved(chunk.length);
      yield chunk;
    }
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #moved(bytes: number): void {
    this.#bytes += bytes;
    this.#timer?.refresh();
    const now = performance.now();
    if (now - this.#toldAt < TELL_MS) return;
    this.#toldAt = now;
    this.#output.progress({ message: `${this.#words}: ${this.#bytes} bytes so far` });
  }

  #arm(): void {
    const stalled = (): void =>
      this.#stalled.abort(new Error(`${this.#words}: nothing has moved for ${STILL_MS / 1000} s`));
    this.#timer = setTimeout(stalled, STILL_MS);
  }
}
