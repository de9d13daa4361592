import type { Command } from 'commander';
import { type OutputFlags, printThings, withOutput } from '../../print/things.ts';
import { snapshots } from '../../print/workspaces.ts';
import { Server, type ServerFlags, withServer } from '../../process/server.ts';
import { first } from '../../words/first.ts';
import { count } from '../../words/pairs.ts';

interface Flags extends ServerFlags, OutputFlags {
  workspace?: string;
  limit: number;
}

export function addList(group: Command): void {
  withServer(withOutput(group.command('ls')))
    .summary('snapshots')
    .description('Snapshots, newest first.')
    .addHelpText('before', 'Examples:\n  runwire snapshot ls --workspace $ws\n')
    .option('--workspace <id>', 'of this workspace')
    .option('-n, --limit <number>', 'so many at most', count, 50)
    .action((flags: Flags) => {
      const list = new Server(flags).quick.snapshots.list({ workspace_id: flags.workspace });
      return printThings(first(list, flags.limit), snapshots, flags);
    });
}
