import type { Command } from 'commander';
import { Server, type ServerFlags, withServer } from '../process/server.ts';
import { feed } from '../run/feed.ts';

const EXAMPLES = `Examples:
  runwire stdin $id < input.txt
  echo 'one more' | runwire stdin --keep-open $id
`;

export function addStdin(program: Command): void {
  withServer(program.command('stdin <id>'))
    .summary('feed a run')
    .description('Our standard input to that of a run which has it open (run -i -d), and its end after it.')
    .addHelpText('before', EXAMPLES)
    .option('--keep-open', 'more may come from others')
    .action(async (id: string, flags: ServerFlags & { keepOpen?: true }) => {
      const { quick } = new Server(flags);
      await feed(quick.attach(id), { keepOpen: flags.keepOpen === true, strict: true });
    });
}
