import type { Run, RunRecord } from '../../client/runwire.ts';
import type { Call } from './tool.ts';

const PROGRESS_MS = 2000;

/** What is waited for. */
interface Awaited<T> {
  /** For people. */
  words(): string;
  /** Until it is what it is to be. */
  wait(signal: AbortSignal): Promise<T>;
  /** As it is now. */
  look(signal: AbortSignal): Promise<T>;
}

/** What is waited for, or how it stands after some seconds. Throws the reason of the signal of the call. */
export async function within<T>(
  { words, wait, look }: Awaited<T>,
  seconds: number,
  { signal, progress }: Pick<Call, 'signal' | 'progress'>,
): Promise<T> {
  const begun = performance.now();
  const passed = (): number => Math.round((performance.now() - begun) / 100) / 10;
  const tell = (): void => progress?.(passed(), seconds, words());
  const timer = progress === null ? undefined : setInterval(tell, PROGRESS_MS);
  const late = AbortSignal.timeout(Math.max(1, seconds * 1000));
  try {
    if (seconds > 0) return await wait(AbortSignal.any([signal, late]));
  } catch (error) {
    if (!late.aborted || signal.aborted) throw error;
  } finally {
    clearInterval(timer);
  }
  return look(signal);
}

/** The record of a run that has finished, or as it is after some seconds. */
export const runWithin = (
  run: Run,
  seconds: number,
  call: Pick<Call, 'signal' | 'progress'>,
): Promise<RunRecord> =>
  within<RunRecord>(
    {
      words: () => `run ${run.id} ${run.record?.status ?? 'goes on'}`,
      wait: (signal) => run.wait({ signal }),
      look: (signal) => run.refresh({ signal }),
    },
    seconds,
    call,
  );
