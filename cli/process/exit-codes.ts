import { constants } from 'node:os';
import type { FinishedRecord } from '../../client/runwire.ts';

/** What the process ends with, where it is not what the program ended with. */
export const EXIT = {
  succeeded: 0,
  failed: 1,
  usage: 2,
  timedOut: 124,
  undone: 125,
  notExecutable: 126,
  notFound: 127,
  signal: 128,
  cancelled: 130,
  unread: 141,
} as const;

/** docs/cli.md shows the same. */
export const MEANINGS: { readonly [code in keyof typeof EXIT]: string } = {
  succeeded: 'it succeeded',
  failed: 'a kind without a program (an HTTP call, a person) failed',
  usage: 'the words of the command line are not right',
  timedOut: 'the run timed out',
  undone:
    'refused, rejected, lost, its setup failed, the server was not reached, or not all files were copied',
  notExecutable: 'the program cannot be executed',
  notFound: 'there is no such program',
  signal: '128 + N: signal N ended the program',
  cancelled: 'the run was cancelled; or Ctrl-C left `attach`, `logs`, `--watch` or `top`',
  unread: 'whoever read standard output has gone (`| head -1`); the run goes on',
};

export function exitCodeOf({ status, outcome }: FinishedRecord): number {
  const { ended, exit_code: code, signal, failure } = outcome;
  if (status === 'cancelled') return EXIT.cancelled;
  if (status === 'timed_out') return EXIT.timedOut;
  if (status === 'rejected') return EXIT.undone;
  if (status === 'succeeded') return code ?? EXIT.succeeded;
  if (failure?.reason === 'program_not_found') return EXIT.notFound;
  if (failure?.reason === 'program_not_executable') return EXIT.notExecutable;
  if (ended === 'signaled' && signal !== null) return EXIT.signal + signalNumber(signal);
  if (ended === 'exited') return code || EXIT.undone; // 0 and failed: its output or what it should leave is not there
  if (ended === 'responded' || ended === 'completed') return code !== null && code > 0 ? code : EXIT.failed;
  return EXIT.undone;
}

/** Real-time signals have no name but their number: SIG34. */
function signalNumber(name: string): number {
  return constants.signals[name as NodeJS.Signals] ?? Number(name.slice(3));
}
