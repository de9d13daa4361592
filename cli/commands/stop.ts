import type { Command } from 'commander';
import type { Runwire } from '../../client/runwire.ts';
import { failureOf } from '../process/failure.ts';
import { say } from '../process/say.ts';
import { addressOf, Server, type ServerFlags, withServer } from '../process/server.ts';
import { seconds } from '../words/duration.ts';

/** `cancel`, `signal` and `rm`: each does one thing to some runs. */
export function addStop(program: Command): void {
  withServer(program.command('cancel <id...>'))
    .summary('end runs')
    .description(
      'Asks runs to end, and kills what is left after their grace. One that has finished stays as it is.',
    )
    .addHelpText('before', 'Examples:\n  runwire cancel $id\n  runwire cancel --kill $(runwire ps -q)\n')
    .option('--grace <duration>', 'so long until they are killed', seconds)
    .option('--kill', 'they are killed at once')
    .action((ids: string[], flags: ServerFlags & { grace?: number; kill?: true }) =>
      each(ids, flags, (rw, id) => rw.attach(id).cancel({ graceSeconds: flags.kill ? 0 : flags.grace })),
    );
  withServer(program.command('signal <signal> <id...>'))
    .summary('send a signal to runs')
    .description('Sends a signal to all processes of runs: INT, SIGHUP, USR1.')
    .addHelpText('before', 'Examples:\n  runwire signal HUP $id\n')
    .action((name: string, ids: string[], flags: ServerFlags) => {
      const upper = name.toUpperCase();
      return each(ids, flags, (rw, id) =>
        rw.attach(id).signal(upper.startsWith('SIG') ? upper : `SIG${upper}`),
      );
    });
  withServer(program.command('rm <id...>'))
    .summary('remove runs that have finished')
    .description('Removes runs that have finished, with their output and files.')
    .addHelpText('before', 'Examples:\n  runwire rm $(runwire ls -q --status failed)\n')
    .action((ids: string[], flags: ServerFlags) => each(ids, flags, (rw, id) => rw.attach(id).remove()));
}

/** One that fails does not keep the others from it. */
async function each(
  ids: string[],
  flags: ServerFlags,
  act: (rw: Runwire, id: string) => Promise<unknown>,
): Promise<void> {
  const { quick } = new Server(flags);
  for (const id of ids)
    try {
      await act(quick, id);
    } catch (error) {
      const { lines, exitCode } = failureOf(error, addressOf(flags));
      for (const line of lines) say(ids.length === 1 ? line : `${id}: ${line}`);
      process.exitCode = exitCode;
    }
}
