import { fstatSync } from 'node:fs';
import type { Run } from '../../client/runwire.ts';
import { telling } from '../process/say.ts';
import { ReaderGone, Sink, writeAll } from '../process/sink.ts';
import { spinner } from '../process/spinner.ts';

export interface Shown {
  stdout?: boolean | undefined;
  stderr?: boolean | undefined;
  follow?: boolean | undefined;
  /** The first byte of each. */
  offset?: (stream: 'stdout' | 'stderr' | 'both') => Promise<number>;
}

/**
 * Output of a run to where it belongs, byte by byte. Where both of ours are one, a terminal, it is in the order in which it
 * was written. Throws ReaderGone when nobody reads standard output; that nobody reads stderr is no matter.
 */
export async function show(run: Run, shown: Shown = {}): Promise<void> {
  const { stdout = true, stderr = true } = shown;
  if (stdout && stderr && areOne()) return copy(run, 'both', 1, shown);
  await Promise.all([
    stdout && copy(run, 'stdout', 1, shown),
    stderr && copy(run, 'stderr', 2, shown).catch(ignoreGone),
  ]);
}

/** What the setup writes, which is none of the program's. */
export async function showSetup(run: Run, signal?: AbortSignal): Promise<void> {
  for await (const part of run.output({ phase: 'setup', signal })) {
    spinner.giveWay(part);
    await writeAll(2, telling.isRaw ? withReturns(part) : part).catch(ignoreGone);
  }
}

const withReturns = (part: Uint8Array): Buffer =>
  Buffer.from(Buffer.from(part).toString('latin1').replaceAll('\n', '\r\n'), 'latin1');

async function copy(run: Run, stream: 'stdout' | 'stderr' | 'both', fd: 1 | 2, shown: Shown): Promise<void> {
  const offset = await shown.offset?.(stream);
  const reading = new AbortController();
  const sink = new Sink(fd, (error) => reading.abort(error));
  const { signal } = reading;
  for await (const part of run.output({ stream, offset, follow: shown.follow, signal })) {
    spinner.end();
    await sink.write(part);
  }
  await sink.flush();
}

export function areOne(): boolean {
  try {
    const [out, error] = [fstatSync(1), fstatSync(2)];
    return out.dev === error.dev && out.ino === error.ino && out.rdev === error.rdev;
  } catch {
    return false; // one of them is closed
  }
}

function ignoreGone(error: unknown): void {
  if (!(error instanceof ReaderGone)) throw error;
}
