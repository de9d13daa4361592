import type { Command } from 'commander';
import { sessionPage } from '../../print/sessions.ts';
import { printThing } from '../../print/thing.ts';
import { type OutputFlags, withOutput } from '../../print/things.ts';
import { Server, type ServerFlags, withServer } from '../../process/server.ts';

export function addShow(group: Command): void {
  withServer(withOutput(group.command('show <id>')))
    .summary('what one is')
    .description('What a session is, and why it failed. With -o json: its record.')
    .addHelpText('before', 'Examples:\n  runwire session show $s\n')
    .action(async (id: string, flags: ServerFlags & OutputFlags) => {
      const record = await new Server(flags).quick.sessions.attach(id).refresh();
      await printThing(record, id, flags, () => sessionPage(record));
    });
}
