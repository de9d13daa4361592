import type { Command } from 'commander';
import { newId } from '../../../client/runwire.ts';
import { type BeginningFlags, beginningOf, withBeginning } from '../../files/beginning.ts';
import { archiveOf } from '../../files/uploads.ts';
import { printMade } from '../../print/thing.ts';
import { type OutputFlags, withOutput } from '../../print/things.ts';
import { Progress } from '../../process/progress.ts';
import { Server, type ServerFlags, withServer } from '../../process/server.ts';
import { seconds } from '../../words/duration.ts';
import { type Pairs, pair } from '../../words/pairs.ts';
import { said } from '../../words/said.ts';
import { bytes } from '../../words/size.ts';

interface Flags extends ServerFlags, OutputFlags, BeginningFlags {
  label?: Pairs;
  ttl?: number;
  maxSize?: number;
}

const EXAMPLES = `Examples:
  ws=$(runwire workspace create)
  runwire workspace create build --upload . --ttl 7d
  runwire workspace create again --from snap/before
  runwire workspace create site --from https://github.com/owner/name.git#main
`;

export function addCreate(group: Command): void {
  withServer(withOutput(withBeginning(group.command('create [id]'))))
    .summary('make one, and print its id')
    .description('Makes a workspace, waits until what it begins with is in it, and prints its id.')
    .addHelpText('before', EXAMPLES)
    .option('-l, --label <NAME=VALUE>', 'metadata', pair)
    .option('--ttl <duration>', 'it goes when nobody has used it for so long', seconds)
    .option('--max-size <size>', 'its files may have so many bytes: 10GB', bytes)
    .action(async (id: string | undefined, flags: Flags) => {
      const archive = (await archiveOf(flags.upload)) ?? undefined;
      const progress = new Progress('sending');
      const server = new Server(flags, progress);
      const input = said({
        workspace_id: id ?? newId(),
        from: beginningOf(flags),
        metadata: flags.label,
        ttl_seconds: flags.ttl,
        max_bytes: flags.maxSize,
      });
      const workspace = await server.ask((rw) => rw.workspaces.create(input, { archive }));
      progress.end();
      await printMade(await workspace.ready(), workspace.id, flags);
    });
}
