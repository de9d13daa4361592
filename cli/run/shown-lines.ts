import type { Line, Run } from '../../client/runwire.ts';
import { ReaderGone, writeAll } from '../process/sink.ts';

interface Shown {
  stdout: boolean;
  stderr: boolean;
  follow: boolean;
  /** So many of them, the last. */
  tail?: number | undefined;
  /** In which this is found. */
  pattern?: RegExp | undefined;
  /** Each after its time. */
  timed: boolean;
}

/** Lines of a run in the order in which they ended, on the descriptor of their stream. */
export async function showLines(run: Run, shown: Shown): Promise<void> {
  const { stdout, stderr, follow, tail, pattern, timed } = shown;
  const stream = stdout && stderr ? undefined : stdout ? 'stdout' : 'stderr';
  const isMeant = ({ text }: Line): boolean => pattern === undefined || pattern.test(text);
  let left = 0;
  if (tail !== undefined) {
    for await (const line of run.lines({ stream, follow: false })) if (isMeant(line)) left++;
    left = Math.max(0, left - tail);
  }
  for await (const line of run.lines({ stream, follow }))
    if (isMeant(line) && left-- <= 0) await write(line, timed);
}

async function write({ stream, time, text }: Line, timed: boolean): Promise<void> {
  const fd = stream === 'stdout' ? 1 : 2;
  await writeAll(fd, Buffer.from(`${timed ? `${time} ` : ''}${text}\n`)).catch((error) => {
    if (!(error instanceof ReaderGone && fd === 2)) throw error;
  });
}
