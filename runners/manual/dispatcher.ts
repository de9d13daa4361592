import type { RunContext, RunOutput } from '../../src/contract/context.ts';
import { Rejected, type RunnerOutcome } from '../../src/contract/outcome.ts';
import { Completion } from '../../src/documents/completion.ts';
import { fieldErrors } from '../../src/documents/field-errors.ts';
import type { Invocation } from '../../src/documents/invocation.ts';
import { redactInvocation } from '../../src/documents/redaction.ts';
import { messageOf } from '../../src/platform/error-words.ts';
import { completionOutcome } from './outcome.ts';
import type { ManualSpec } from './spec.ts';

/** What a dispatcher has to work with. */
export interface DispatcherContext {
  /** Aborted when the run is to stop; after the grace it ends without the dispatcher. */
  signal: AbortSignal;
  /** Output and progress, as they come. */
  output: Pick<RunOutput, 'write' | 'progress'>;
  /** Exists. */
  workingDirectory: string;
  /** Exists; what is in it afterwards becomes artifacts. Null: the invocation names none. */
  artifactDirectory: string | null;
  /** Absolute path or null. */
  inputPath: string | null;
}

/** A function of the program that embeds Runwire, which does runs itself: resolves with how one ended. */
export type Dispatcher = (invocation: Invocation, context: DispatcherContext) => Promise<Completion>;

/** What it throws is a failed run. A Rejected is the refusal that it says. */
export async function runDispatcher(
  dispatcher: Dispatcher,
  ctx: RunContext<ManualSpec>,
): Promise<RunnerOutcome> {
  const { signal, output, workingDirectory, artifactDirectory, inputPath } = ctx;
  const stopped = Promise.withResolvers<RunnerOutcome>();
  let grace: NodeJS.Timeout | undefined;
  const endIn = (graceMs: number): void => {
    clearTimeout(grace);
    grace = setTimeout(() => stopped.resolve(failed('it did not stop')), graceMs);
  };
  const stop = (): void => endIn(signal.reason.graceMs);
  ctx.offer({ hasten: endIn });
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  const context = { signal, output, workingDirectory, artifactDirectory, inputPath };
  const work = async (): Promise<RunnerOutcome> => {
    const given = Completion.safeParse(await dispatcher(redactInvocation(ctx.invocation), context));
    if (given.success) return completionOutcome(given.data, []);
    const [fault] = fieldErrors(given.error, ['completion']);
    return failed(`it gave no completion: ${fault?.path} ${fault?.message}`);
  };
  try {
    return await Promise.race([work(), stopped.promise]);
  } catch (error) {
    if (error instanceof Rejected) throw error;
    return failed(messageOf(error));
  } finally {
    clearTimeout(grace);
    signal.removeEventListener('abort', stop);
  }
}

function failed(words: string): RunnerOutcome {
  return {
    ended: 'completed',
    started: true,
    retrySafe: false,
    exitCode: null,
    completion: 'failed',
    errorSummary: `the dispatcher failed: ${words}`,
  };
}
