import type { Command } from 'commander';
import { addGet } from './get.ts';
import { addList } from './ls.ts';
import { addPut } from './put.ts';
import { addRemove } from './rm.ts';
import { addShow } from './show.ts';

const EXAMPLES = `Examples:
  runwire asset put model model.bin
  runwire asset put tools ./tools
  runwire asset get tools@1 ./tools
`;

/** Files and directories that the server keeps under a name. */
export function addAsset(program: Command): void {
  const group = program
    .command('asset')
    .summary('files and directories under a name')
    .description('Files and directories that the server keeps under a name, in versions that never change.')
    .addHelpText('before', EXAMPLES);
  for (const add of [addPut, addList, addShow, addGet, addRemove]) add(group);
}
