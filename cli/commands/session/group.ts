import type { Command } from 'commander';
import { addCheckpoint } from './checkpoint.ts';
import { addCreate } from './create.ts';
import { addList } from './ls.ts';
import { addReset } from './reset.ts';
import { addRemove } from './rm.ts';
import { addShow } from './show.ts';

const EXAMPLES = `Examples:
  s=$(runwire session create --upload . --setup 'npm ci')
  runwire run --session $s -- npm test
  runwire session checkpoint $s
  runwire session rm $s
`;

/** Environments that are set up once for many runs. */
export function addSession(program: Command): void {
  const group = program
    .command('session')
    .summary('environments that are set up once for many runs')
    .description('Environments that are set up once for many runs.')
    .addHelpText('before', EXAMPLES);
  for (const add of [addCreate, addList, addShow, addCheckpoint, addReset, addRemove]) add(group);
}
