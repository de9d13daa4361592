import type { Command } from 'commander';
import { sessions } from '../../print/sessions.ts';
import { type OutputFlags, printThings, withOutput } from '../../print/things.ts';
import { Server, type ServerFlags, withServer } from '../../process/server.ts';
import { first } from '../../words/first.ts';
import { count } from '../../words/pairs.ts';

interface Flags extends ServerFlags, OutputFlags {
  all?: true;
  limit: number;
}

export function addList(group: Command): void {
  withServer(withOutput(group.command('ls')))
    .summary('sessions')
    .description('Sessions that are open, newest first.')
    .addHelpText('before', 'Examples:\n  runwire session ls\n  runwire session ls -a\n')
    .option('-a, --all', 'those too that were closed today')
    .option('-n, --limit <number>', 'so many at most', count, 50)
    .action((flags: Flags) => printThings(first(listed(flags), flags.limit), sessions, flags));
}

async function* listed(flags: Flags) {
  for await (const session of new Server(flags).quick.sessions.list())
    if (flags.all || session.state !== 'closed') yield session;
}
