import type { Command } from 'commander';
import { each } from '../process/each.ts';
import { type ServerFlags, withServer } from '../process/server.ts';
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
