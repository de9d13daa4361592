import type { Run, RunRecord } from '../../client/runwire.ts';
import type { Call } from './tool.ts';

const PROGRESS_MS = 2000;

/** The record when the run has finished, or as it is after some seconds. Throws the reason of the signal of the call. */
export async function within(run: Run, seconds: number, { signal, progress }: Call): Promise<RunRecord> {
  const begun = performance.now();
  const passed = (): number => Math.round((performance.now() - begun) / 100) / 10;
  const tell = (): void => {
    const { status } = run.record ?? {};
    progress?.(passed(), seconds, `run ${run.id} ${status ?? 'goes on'}`);
  };
  const timer = progress === null ? undefined : setInterval(tell, PROGRESS_MS);
  const late = AbortSignal.timeout(Math.max(1, seconds * 1000));
  try {
    if (seconds > 0) return await run.wait({ signal: AbortSignal.any([signal, late]) });
  } catch (error) {
    if (!late.aborted || signal.aborted) throw error;
  } finally {
    clearInterval(timer);
  }
  return run.refresh({ signal });
}
