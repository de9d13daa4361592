import type { Command } from 'commander';
import { addApply } from './apply.ts';
import { addList } from './ls.ts';
import { addRemove } from './rm.ts';
import { addShow } from './show.ts';

const EXAMPLES = `Examples:
  runwire spec apply spec.json
  runwire run --spec python -- main.py
  runwire spec show -o json python | jq '.environment.CI = "1"' | runwire spec apply -
`;

/** What many runs have in common. */
export function addSpec(program: Command): void {
  const group = program
    .command('spec')
    .summary('what many runs have in common')
    .description('Environment specs: what many runs have in common, in versions that never change.')
    .addHelpText('before', EXAMPLES);
  for (const add of [addApply, addList, addShow, addRemove]) add(group);
}
