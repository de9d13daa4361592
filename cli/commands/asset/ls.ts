import type { Command } from 'commander';
import { assets } from '../../print/assets.ts';
import { type OutputFlags, printThings, withOutput } from '../../print/things.ts';
import { Server, type ServerFlags, withServer } from '../../process/server.ts';
import { first } from '../../words/first.ts';
import { count } from '../../words/pairs.ts';

export function addList(group: Command): void {
  withServer(withOutput(group.command('ls [name]')))
    .summary('assets, or the versions of one')
    .description('The newest version of each asset; with a name all versions of that one. Newest first.')
    .addHelpText('before', 'Examples:\n  runwire asset ls\n  runwire asset ls train\n')
    .option('-n, --limit <number>', 'so many at most', count, 50)
    .action((name: string | undefined, flags: ServerFlags & OutputFlags & { limit: number }) => {
      const { assets: all } = new Server(flags).quick;
      const list = name === undefined ? all.list() : all.versions(name);
      return printThings(first(list, flags.limit), assets, flags);
    });
}
