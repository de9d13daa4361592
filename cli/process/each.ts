import type { Runwire } from '../../client/runwire.ts';
import { failureOf } from './failure.ts';
import { say } from './say.ts';
import { addressOf, Server, type ServerFlags } from './server.ts';

/** Does it with one after the other. One that fails does not keep the others from it. */
export async function each(
  names: readonly string[],
  flags: ServerFlags,
  act: (rw: Runwire, name: string) => Promise<unknown>,
): Promise<void> {
  const { quick } = new Server(flags);
  for (const name of names)
    try {
      await act(quick, name);
    } catch (error) {
      const { lines, exitCode } = failureOf(error, addressOf(flags));
      for (const line of lines) say(names.length === 1 ? line : `${name}: ${line}`);
      process.exitCode = exitCode;
    }
}
