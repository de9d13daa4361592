import type { Command } from 'commander';
import { specs } from '../../print/specs.ts';
import { type OutputFlags, printThings, withOutput } from '../../print/things.ts';
import { Server, type ServerFlags, withServer } from '../../process/server.ts';
import { first } from '../../words/first.ts';
import { count } from '../../words/pairs.ts';

export function addList(group: Command): void {
  withServer(withOutput(group.command('ls [name]')))
    .summary('specs, or the versions of one')
    .description(
      'The newest version of each environment spec; with a name all versions of that one. Newest first.',
    )
    .addHelpText('before', 'Examples:\n  runwire spec ls\n  runwire spec ls python\n')
    .option('-n, --limit <number>', 'so many at most', count, 50)
    .action((name: string | undefined, flags: ServerFlags & OutputFlags & { limit: number }) => {
      const { environmentSpecs } = new Server(flags).quick;
      const list = name === undefined ? environmentSpecs.list() : environmentSpecs.versions(name);
      return printThings(first(list, flags.limit), specs, flags);
    });
}
