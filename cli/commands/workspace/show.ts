import type { Command } from 'commander';
import { printThing } from '../../print/thing.ts';
import { type OutputFlags, withOutput } from '../../print/things.ts';
import { workspacePage } from '../../print/workspaces.ts';
import { Server, type ServerFlags, withServer } from '../../process/server.ts';

export function addShow(group: Command): void {
  withServer(withOutput(group.command('show <id>')))
    .summary('what one is')
    .description('What a workspace is. With -o json: its record.')
    .addHelpText(
      'before',
      'Examples:\n  runwire workspace show $ws\n  runwire workspace show -o json $ws | jq .bytes\n',
    )
    .action(async (id: string, flags: ServerFlags & OutputFlags) => {
      const record = await new Server(flags).quick.workspaces.attach(id).refresh();
      await printThing(record, id, flags, () => workspacePage(record));
    });
}
