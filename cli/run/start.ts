import { isatty } from 'node:tty';
import { newId, type Run, type RunRecord, type Runwire } from '../../client/runwire.ts';
import { EXIT } from '../process/exit-codes.ts';
import { endBy, onInterrupt } from '../process/interrupts.ts';
import { say } from '../process/say.ts';
import type { Server } from '../process/server.ts';
import { print } from '../process/sink.ts';
import { follow } from './follow.ts';
import type { Invocation } from './invocation.ts';
import { tellWhy } from './waiting.ts';

interface Ways {
  /** Its id is printed, and no more. */
  detach: boolean;
  /** Our standard input goes to it. */
  stdin: boolean;
  /** Instead of following it: our terminal is that of the run, Ctrl-C a key. The exit code that it means. */
  sit?: (run: Run, record: RunRecord) => Promise<number>;
  submit?: (rw: Runwire, invocation: Invocation) => Promise<Run>;
}

/**
 * Starts a run and follows it to its end, which becomes the exit code of this process. Ctrl-C cancels it, a second one kills it. Returns the
 * run, which has finished; null: with `detach`, where its terminal was left, or nobody reads any more.
 */
export async function start(
  server: Server,
  invocation: Invocation,
  { detach, stdin, sit, submit = (rw, what) => rw.submit(what) }: Ways,
): Promise<Run | null> {
  let run: Run | null = null;
  let asked = 0;
  const cancel = (): void => {
    if (run === null || asked === 0) return;
    say(
      asked === 1
        ? `cancelling ${run.id}; Ctrl-C again kills it`
        : `killing ${run.id}; Ctrl-C again leaves it to the server`,
    );
    run
      .cancel(asked === 1 ? {} : { graceSeconds: 0 })
      .catch((error) => say(`it is not cancelled: ${error.message}`));
  };
  const interrupted = (count: number, signal: NodeJS.Signals): void => {
    asked = count;
    if (count > 2) endBy(signal);
    else cancel();
  };
  const stopListening = detach ? () => {} : onInterrupt(interrupted);
  // The id is made before anything is sent: the second attempt joins what the first made.
  const whole = { ...invocation, invocation_id: invocation.invocation_id ?? newId() };
  run = await server.ask((rw) => submit(rw, whole));
  if (detach) {
    await print(`${run.id}\n`);
    return null;
  }
  cancel();
  const record = run.record ?? (await run.refresh());
  run = server.patient.attach(run.id);
  if (sit) stopListening(); // from here on Ctrl-C is typed
  const isAsked = sit !== undefined || (stdin && isatty(0));
  const stopTelling = isAsked ? () => {} : tellWhy(server.patient.attach(run.id), record);
  process.exitCode = await (sit ? sit(run, record) : follow(run, record, { stdin }));
  stopTelling();
  stopListening();
  const hasLeft = sit !== undefined && run.record?.result == null;
  return hasLeft || process.exitCode === EXIT.unread ? null : run;
}
