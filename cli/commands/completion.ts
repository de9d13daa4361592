import { Argument, type Command } from 'commander';
import { completionOf } from '../completion/candidates.ts';
import { SCRIPTS, type Shell } from '../completion/scripts.ts';
import { print } from '../process/sink.ts';
import { visible } from '../process/visible.ts';
import { seconds } from '../words/duration.ts';

const EXAMPLES = `Examples:
  source <(runwire completion bash)
  source <(runwire completion zsh)
  runwire completion fish | source
`;

/** Has all commands that were added before it, and those that are added after. */
export function addCompletion(program: Command): void {
  program
    .command('completion')
    .summary('completion for a shell')
    .description(
      'A script that has a shell complete commands, flags, and the ids of what the server has. Put the line of your shell in what it reads at its start.',
    )
    .addHelpText('before', EXAMPLES)
    .addArgument(new Argument('<shell>', 'which').choices(Object.keys(SCRIPTS)))
    .action((shell: Shell) => print(SCRIPTS[shell]));
  program
    .command('__complete [words...]', { hidden: true })
    .description('What the scripts ask.')
    .passThroughOptions()
    .option('--limit <duration>', 'nobody waits longer for the server', seconds, 1)
    .action(async (words: string[], { limit }: { limit: number }) => {
      const line = words.length === 0 ? [''] : words;
      const { candidates, files, goesOn } = await completionOf(program, line, 1000 * limit);
      const how = [files ? 'files' : '', goesOn ? 'goes-on' : ''].filter((one) => one !== '').join(' ');
      const lines = candidates
        // What would need an escape is not what it is called.
        .filter(({ word }) => word === visible(word))
        .map(({ word, about = '' }) => `${word}\t${visible(about).slice(0, 80)}`);
      await print(`${[how || '-', ...lines].join('\n')}\n`);
    });
}
