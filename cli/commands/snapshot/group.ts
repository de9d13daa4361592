import type { Command } from 'commander';
import { addList } from './ls.ts';
import { addRemove } from './rm.ts';

/** What was in workspaces at one moment. */
export function addSnapshots(program: Command): void {
  const group = program
    .command('snapshot')
    .summary('what was in workspaces at one moment')
    .description(
      'What was in workspaces at one moment. Made by: runwire workspace snapshot. Its files: runwire cp snap/ID:PATH',
    )
    .addHelpText(
      'before',
      'Examples:\n  runwire snapshot ls --workspace $ws\n  runwire snapshot rm $snapshot\n',
    );
  for (const add of [addList, addRemove]) add(group);
}
