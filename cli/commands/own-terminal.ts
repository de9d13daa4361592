import { Option } from 'commander';
import { EXIT } from '../process/exit-codes.ts';
import { Failure } from '../process/failure.ts';
import { Screen } from '../process/screen.ts';
import { DETACH_KEYS, detachKeys } from '../words/detach-keys.ts';

export const detachOption = (): Option =>
  new Option('--detach-keys <keys>', 'what leaves the terminal of a run, and the run as it is')
    .argParser(detachKeys)
    .default(detachKeys(DETACH_KEYS), DETACH_KEYS);

/** That which we are at. Throws Failure where we are at none. */
export function ownScreen(): Screen {
  if (Screen.isThere) return new Screen();
  throw new Failure(
    'the input device is not a TTY: leave out -t, or leave the run to the server with -d',
    EXIT.usage,
  );
}
