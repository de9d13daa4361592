import { AddressDenied } from '../../src/outbound/address-guard.ts';
import { nap } from '../../src/platform/timer.ts';
import { TextTaker } from '../wire/json.ts';
import type { Journey } from '../wire/redirect.ts';
import { waitMs } from '../wire/wait.ts';
import type { Backend } from './backend.ts';
import { backoffOf, TRANSIENT, transientLimit } from './poll.ts';
import type { HttpAsyncSpec } from './spec.ts';

/** 409: the first one with this idempotency key is still being looked at. */
const PASSING: ReadonlySet<number> = new Set([...TRANSIENT, 409]);

export interface Kickoff {
  spec: HttpAsyncSpec;
  /** An earlier server may have sent it: it is tried as patiently as a poll. */
  again: boolean;
  /** The run is to stop: it is tried no more. */
  aborted: AbortSignal;
  /** Its answer is of no use any more. */
  stop: AbortSignal;
}

/** What became of the kickoff, or of its last try, and the answer's text. */
export async function sendKickoff(
  backend: Backend,
  { spec, again, aborted, stop }: Kickoff,
): Promise<{ journey: Journey; text: string }> {
  for (let left = again ? transientLimit(spec) : 0, waits = 0; ; left--, waits++) {
    const taker = new TextTaker();
    const journey = await backend.kickoff(taker, stop);
    if (left <= 0 || !isPassing(journey) || aborted.aborted || stop.aborted)
      return { journey, text: taker.text() };
    await nap(waitMs(backoffOf(spec), waits, journey), aborted);
  }
}

function isPassing({ head, error }: Journey): boolean {
  return head ? PASSING.has(head.status) : !(error instanceof AddressDenied);
}
