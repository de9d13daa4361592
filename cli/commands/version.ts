import type { Command } from 'commander';
import about from '../../package.json' with { type: 'json' };
import { print } from '../process/sink.ts';

export const version: string = about.version;

export function addVersion(program: Command): void {
  program
    .command('version')
    .summary('the version of this program')
    .action(() => print(`${version}\n`));
}
