import { ConnectionError, type Run, type RunRecord } from '../../client/runwire.ts';
import { exitCodeOf } from '../process/exit-codes.ts';
import { Failure } from '../process/failure.ts';
import { say } from '../process/say.ts';
import { ReaderGone } from '../process/sink.ts';
import { show, showSetup } from './channels.ts';
import { feed } from './feed.ts';
import { unsaid } from './verdict.ts';

/** A run to its end: its output to ours, ours to its standard input. The exit code that it means. */
export async function follow(run: Run, record: RunRecord, { stdin = false } = {}): Promise<number> {
  const fed = Promise.withResolvers<never>();
  if (stdin)
    feed(run)
      .catch((error) => broken(run, error))
      .catch(fed.reject);
  try {
    await Promise.race([fed.promise, Promise.all([show(run), hasSetup(record) && showSetup(run)])]);
    const finished = await run.wait();
    for (const line of unsaid(finished)) say(line);
    return exitCodeOf(finished);
  } catch (error) {
    if (!(error instanceof ReaderGone)) throw error;
    say(`${error.message}; the run goes on. To end it: runwire cancel ${run.id}`);
    return error.exitCode;
  }
}

/** A program that was given a part of its input must not take it for all of it. */
async function broken(run: Run, error: unknown): Promise<never> {
  if (!(error instanceof ConnectionError)) throw error;
  await run.cancel();
  throw new Failure(
    'the connection was lost while standard input was sent; how much came is not known: the run is cancelled',
  );
}

export function hasSetup({ invocation: { options } }: RunRecord): boolean {
  const { setup, setup_command: one, disable_setup: none, session } = options;
  return !none && (one !== undefined || session !== undefined || setup !== undefined);
}
