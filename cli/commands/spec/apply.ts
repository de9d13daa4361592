import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { EnvironmentSpecInput } from '../../../client/runwire.ts';
import { nameOfSpec } from '../../print/specs.ts';
import { printMade } from '../../print/thing.ts';
import { type OutputFlags, withOutput } from '../../print/things.ts';
import { each } from '../../process/each.ts';
import { Failure } from '../../process/failure.ts';
import { type ServerFlags, withServer } from '../../process/server.ts';

const EXAMPLES = `Examples:
  runwire spec apply spec.json
  echo '{"runtime_kind":"subprocess","environment":{"CI":"1"}}' | runwire spec apply --name ci -
  runwire spec show -o json ci | runwire spec apply --name copy -
`;

export function addApply(group: Command): void {
  withServer(withOutput(group.command('apply <file...>')))
    .summary('store some, and print name@version')
    .description(
      'Stores environment specs, each as a new version unless the newest says the same, and prints name@version. A file is a\nJSON document, - is standard input. Its name is in it (`name`), or given.',
    )
    .addHelpText('before', EXAMPLES)
    .option('--name <name>', 'its name')
    .action((files: string[], flags: ServerFlags & OutputFlags & { name?: string }) =>
      each(files, flags, async (rw, file) => {
        const { name: own, version: _version, ...spec } = await documentIn(file);
        const name = flags.name ?? own;
        if (name === undefined)
          throw new Failure(`${file}: it has no name: say it in \`name\`, or with --name`);
        const { digest: _digest, created_at: _created, links: _links, ...said } = spec;
        const stored = await rw.environmentSpecs.put(name, said);
        await printMade(stored, nameOfSpec(stored), flags);
      }),
    );
}

async function documentIn(file: string): Promise<EnvironmentSpecInput> {
  const words = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  try {
    const value: unknown = JSON.parse(words);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as EnvironmentSpecInput;
  } catch (error) {
    throw new Failure(`${file} is not JSON: ${(error as Error).message}`);
  }
  throw new Failure(`${file} is not an object in JSON`);
}
