import { Readable } from 'node:stream';
import type { RunContext, RunOutput } from '../../src/contract/context.ts';
import { afterMs, LONGEST_MS } from '../../src/platform/timer.ts';
import type { DockerDaemon } from './daemon.ts';

/** After so long without a byte it is given up. */
const STILL_MS = 120_000;
/** So often it is told how far it has come: a run whose files are copied is not idle. */
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
  const stalled = transfer.moving();
  // The engine keeps the container to itself until the request is over: one whose tar has broken off never ends.
  const over = new AbortController();
  const abortSignal = AbortSignal.any([signal, stalled, over.signal]);
  // The client of the engine does not hear what the stream met.
  const broken = new Promise<never>((_, reject) => tar.once('error', reject));
  try {
    const put = daemon.ask((docker) => docker.getContainer(id).putArchive(sent, { path, abortSignal }), {
      ms: LONGEST_MS,
    });
    put.catch(() => {}); // told below, or what the tar met is
    await Promise.race([put, broken]);
  } catch (error) {
    if (!signal.aborted) throw stalled.aborted ? stalled.reason : error;
  } finally {
    transfer.close();
    over.abort();
    sent.destroy();
    tar.destroy();
  }
}

/** Files on their way to a container or from it, and until they are where they belong. */
export class Transfer {
  readonly #words: string;
  readonly #telling: NodeJS.Timeout;
  #movedAt = 0;
  #stopLooking = (): void => {};
  #bytes = 0;

  constructor(words: string, output: Pick<RunOutput, 'progress'>) {
    this.#words = words;
    const tell = (): void => output.progress({ message: `${words}: ${this.#bytes} bytes so far` });
    this.#telling = setInterval(tell, TELL_MS);
  }

  /** From the first byte on. Aborted when nothing has moved for too long. */
  moving(): AbortSignal {
    const stalled = new AbortController();
    const words = `${this.#words}: nothing has moved for ${STILL_MS / 1000} s`;
    this.arrived();
    this.#bytes = 0;
    this.#movedAt = performance.now();
    const look = (): void => {
      const left = this.#movedAt + STILL_MS - performance.now();
      if (left <= 0) stalled.abort(new Error(words));
      else this.#stopLooking = afterMs(left, look);
    };
    look();
    return stalled.signal;
  }

  async *of(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      this.#bytes += chunk.length;
      this.#movedAt = performance.now();
      yield chunk;
    }
  }

  /** All is here: what is done with it takes its time. */
  arrived(): void {
    this.#stopLooking();
  }

  close(): void {
    this.arrived();
    clearInterval(this.#telling);
  }
}
