import type { Command } from 'commander';
import { each } from '../../process/each.ts';
import { type ServerFlags, withServer } from '../../process/server.ts';

export function addRemove(group: Command): void {
  withServer(group.command('rm <name...>'))
    .summary('remove some')
    .description('Removes environment specs with all their versions. Runs that use one keep it.')
    .addHelpText('before', 'Examples:\n  runwire spec rm python ci\n')
    .action((names: string[], flags: ServerFlags) =>
      each(names, flags, (rw, name) => rw.environmentSpecs.remove(name)),
    );
}
