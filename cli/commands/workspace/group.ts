import type { Command } from 'commander';
import { addCreate } from './create.ts';
import { addDiff } from './diff.ts';
import { addList } from './ls.ts';
import { addPull } from './pull.ts';
import { addPush } from './push.ts';
import { addRestore } from './restore.ts';
import { addRemove } from './rm.ts';
import { addShow } from './show.ts';
import { addSnapshot } from './snapshot.ts';

const EXAMPLES = `Examples:
  ws=$(runwire workspace create)
  runwire workspace push $ws .
  runwire run --workspace $ws -- make
  runwire workspace pull $ws out
`;

/** Directories of the server that outlive runs. */
export function addWorkspace(program: Command): void {
  const group = program
    .command('workspace')
    .alias('ws')
    .summary('directories that outlive runs')
    .description('Directories that the server keeps from one run to the next.')
    .addHelpText('before', EXAMPLES);
  for (const add of [
    addCreate,
    addList,
    addShow,
    addPush,
    addPull,
    addDiff,
    addSnapshot,
    addRestore,
    addRemove,
  ])
    add(group);
}
