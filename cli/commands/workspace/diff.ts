import type { Command } from 'commander';
import { changes } from '../../print/changes.ts';
import { type OutputFlags, printThings, withOutput } from '../../print/things.ts';
import { Failure } from '../../process/failure.ts';
import { Server, type ServerFlags, withServer } from '../../process/server.ts';
import { print, Sink } from '../../process/sink.ts';

const EXAMPLES = `Examples:
  runwire workspace diff $ws $snapshot
  runwire workspace diff --patch $ws $snapshot | git apply
`;

export function addDiff(group: Command): void {
  withServer(withOutput(group.command('diff <id> [snapshot]')))
    .summary('what has changed since a snapshot')
    .description(
      'What has changed in a workspace since a snapshot (the one that it was made from). With -o json: with its counts.',
    )
    .addHelpText('before', EXAMPLES)
    .option('-p, --patch', 'as a patch that git apply takes')
    .action(
      async (id: string, given: string | undefined, flags: ServerFlags & OutputFlags & { patch?: true }) => {
        const workspace = new Server(flags).quick.workspaces.attach(id);
        const from = given ?? (await workspace.refresh()).base_snapshot;
        if (from === null)
          throw new Failure(
            `${id} began empty: say since which snapshot (runwire snapshot ls --workspace ${id})`,
          );
        if (flags.patch) {
          const sink = new Sink(1);
          for await (const part of workspace.patch(from)) await sink.write(part);
          return sink.flush();
        }
        const diff = await workspace.diff(from);
        if (flags.output === 'json' && !flags.quiet) return print(`${JSON.stringify(diff, null, 2)}\n`);
        await printThings(each(diff.files), changes, flags);
      },
    );
}

async function* each<T>(things: readonly T[]): AsyncGenerator<T> {
  yield* things;
}
