import type { Command } from 'commander';

/** Its words are read by the server itself. */
export function addServe(program: Command): void {
  program
    .command('serve')
    .summary('the server')
    .description('Serves Runwire. Its flags: runwire serve --help')
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async () => {
      await import('../../src/server.ts');
    });
}
