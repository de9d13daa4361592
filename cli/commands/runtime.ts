import type { Command } from 'commander';
import type { Runtime } from '../../client/runwire.ts';
import { type OutputFlags, printThings, type View, withOutput } from '../print/things.ts';
import { Server, type ServerFlags, withServer } from '../process/server.ts';

const AVAILABLE = 1;

const runtimes: View<Runtime> = {
  heading: ['KIND', 'AVAILABLE', 'WHAT IT IS'],
  id: ({ kind }) => kind,
  cells: ({ kind, available, reason, description }) => [
    kind,
    available ? 'yes' : 'no',
    available || reason === null ? description : `${reason} · ${description}`,
  ],
  colour: ({ available }, column) => (column === AVAILABLE ? (available ? 'green' : 'red') : undefined),
};

/** `runtime`: the kinds of runs that a server has. */
export function addRuntime(program: Command): void {
  const group = program.command('runtime').summary('kinds of runs: list');
  withServer(withOutput(group.command('list').alias('ls')))
    .summary('the kinds that the server has')
    .description('The kinds that the server has, whether they can be used now, and if not, why.')
    .addHelpText(
      'before',
      'Examples:\n  runwire runtime list\n  runwire runtime list -o json | jq ".[].options_schema"\n',
    )
    .action(async (flags: ServerFlags & OutputFlags) => {
      await printThings(await new Server(flags).quick.runtimes(), runtimes, flags);
    });
}
