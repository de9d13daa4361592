import type { Line, Run } from '../../client/runwire.ts';
import { ReaderGone, writeAll } from '../process/sink.ts';

interface Timed {
  stdout: boolean;
  stderr: boolean;
  follow: boolean;
  tail?: number | undefined;
}

/** The lines of a run in the order in which they ended, each after its time, on the descriptor of its stream. */
export async function showTimed(run: Run, { stdout, stderr, follow, tail }: Timed): Promise<void> {
  const stream = stdout && stderr ? undefined : stdout ? 'stdout' : 'stderr';
  let left = 0;
  if (tail !== undefined) {
    for await (const _line of run.lines({ stream, follow: false })) left++;
    left = Math.max(0, left - tail);
  }
  for await (const line of run.lines({ stream, follow })) if (left-- <= 0) await write(line);
}

async function write({ stream, time, text }: Line): Promise<void> {
  const fd = stream === 'stdout' ? 1 : 2;
  await writeAll(fd, Buffer.from(`${time} ${text}\n`)).catch((error) => {
    if (!(error instanceof ReaderGone && fd === 2)) throw error;
  });
}
