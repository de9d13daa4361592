import type { Command } from 'commander';
import { type OutputFlags, printThings, withOutput } from '../../print/things.ts';
import { workspaces } from '../../print/workspaces.ts';
import { Server, type ServerFlags, withServer } from '../../process/server.ts';
import { first } from '../../words/first.ts';
import { count } from '../../words/pairs.ts';

export function addList(group: Command): void {
  withServer(withOutput(group.command('ls')))
    .summary('workspaces')
    .description('Workspaces, newest first.')
    .addHelpText('before', 'Examples:\n  runwire workspace ls\n  runwire workspace ls -q -n 1000\n')
    .option('-n, --limit <number>', 'so many at most', count, 50)
    .action((flags: ServerFlags & OutputFlags & { limit: number }) =>
      printThings(first(new Server(flags).quick.workspaces.list(), flags.limit), workspaces, flags),
    );
}
