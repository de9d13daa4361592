import { openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { archiveOf } from '../../files/uploads.ts';
import { nameOfAsset } from '../../print/assets.ts';
import { printMade } from '../../print/thing.ts';
import { type OutputFlags, withOutput } from '../../print/things.ts';
import { EXIT } from '../../process/exit-codes.ts';
import { Failure } from '../../process/failure.ts';
import { Progress } from '../../process/progress.ts';
import { Server, type ServerFlags, withServer } from '../../process/server.ts';
import { said } from '../../words/said.ts';

interface Flags extends ServerFlags, OutputFlags {
  extract?: true;
  mediaType?: string;
  url?: string;
  sha256?: string;
  secret?: string;
}

const EXAMPLES = `Examples:
  runwire asset put train train.csv
  runwire asset put tools ./tools
  tar cz tools | runwire asset put tools --extract -
  runwire asset put model --url https://example.org/model.bin --sha256 2c26b46b68ff…
`;

export function addPut(group: Command): void {
  withServer(withOutput(group.command('put <name> [path]')))
    .summary('store one, and print name@version')
    .description(
      'Stores a file, a directory, or standard input (-) as a new version unless the newest is the same, and prints\nname@version. With --url the server fetches it.',
    )
    .addHelpText('before', EXAMPLES)
    .option('--extract', 'it is an archive (tar, tar in gzip, zip), and becomes a directory')
    .option('--media-type <type>', 'of a file (application/octet-stream)')
    .option('--url <url>', 'the server fetches it from there')
    .option('--sha256 <hash>', 'of what comes from there')
    .option('--secret <name>', 'secret of the server for that')
    .action(async (name: string, path: string | undefined, flags: Flags) => {
      const asset = await (flags.url === undefined ? put(name, path, flags) : putUrl(name, path, flags));
      await printMade(asset, nameOfAsset(asset), flags);
    });
}

async function put(name: string, path: string | undefined, flags: Flags) {
  if (path === undefined) throw new Failure('say PATH, - for standard input, or --url', EXIT.usage);
  const { extract, mediaType } = flags;
  const progress = new Progress('sending');
  const server = new Server(flags, progress);
  try {
    if (path === '-') return await server.quick.assets.put(name, process.stdin, { extract, mediaType });
    const isDirectory = (await stat(path)).isDirectory();
    const body = isDirectory ? await archiveOf([{ from: path, to: '' }]) : await openAsBlob(path);
    if (body === null) throw new Failure(`${path} has nothing in it`);
    return await server.ask((rw) =>
      rw.assets.put(name, body, isDirectory ? { extract: true } : { extract, mediaType }),
    );
  } finally {
    progress.end();
  }
}

async function putUrl(name: string, path: string | undefined, flags: Flags) {
  const { url = '', sha256, secret, extract, mediaType } = flags;
  if (path !== undefined || sha256 === undefined)
    throw new Failure('--url goes with --sha256, and with no PATH', EXIT.usage);
  const source = said({ url, sha256, secret, extract, media_type: mediaType });
  return new Server(flags).ask((rw) => rw.assets.putUrl(name, source));
}
