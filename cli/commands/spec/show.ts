import type { Command } from 'commander';
import { nameOfSpec, specPage } from '../../print/specs.ts';
import { printThing } from '../../print/thing.ts';
import { type OutputFlags, withOutput } from '../../print/things.ts';
import { Server, type ServerFlags, withServer } from '../../process/server.ts';

export function addShow(group: Command): void {
  withServer(withOutput(group.command('show <name>')))
    .summary('what one says')
    .description(
      'What an environment spec says: name, or name@version. With -o json: what `spec apply` takes.',
    )
    .addHelpText('before', 'Examples:\n  runwire spec show python\n  runwire spec show -o json python@2\n')
    .action(async (name: string, flags: ServerFlags & OutputFlags) => {
      const spec = await new Server(flags).quick.environmentSpecs.get(name);
      await printThing(spec, nameOfSpec(spec), flags, () => specPage(spec));
    });
}
