import type { Command } from 'commander';
import { copied } from '../../files/copied.ts';
import { fetchedArchive, fetchedFile } from '../../files/fetched-archive.ts';
import { Server, type ServerFlags, withServer } from '../../process/server.ts';

const EXAMPLES = `Examples:
  runwire asset get train train.csv
  runwire asset get tools@1 ./tools
  runwire asset get tools --path bin/count -
`;

export function addGet(group: Command): void {
  withServer(group.command('get <name> <destination>'))
    .summary('bring one')
    .description(
      'Brings an asset: a file to a file or into a directory, a directory into a directory, which is made. To - (standard\noutput) go the bytes of a file, of a directory a tar.',
    )
    .addHelpText('before', EXAMPLES)
    .option('--path <path>', 'of a directory this file alone')
    .action(async (name: string, destination: string, flags: ServerFlags & { path?: string }) => {
      const server = new Server(flags);
      const asset = await server.ask((rw) => rw.assets.get(name));
      const { assets } = server.patient;
      // The version that was looked at, whatever is stored meanwhile.
      const version = `${asset.name}@${asset.version}`;
      const content = () => assets.content(version, flags.path === undefined ? {} : { path: flags.path });
      if (destination === '-') return copied(content());
      if (asset.type === 'directory' && flags.path === undefined) return fetchedArchive(content, destination);
      await fetchedFile(content(), flags.path?.split('/').at(-1) ?? asset.name, destination);
    });
}
