import type { Command } from 'commander';
import { assetPage, nameOfAsset } from '../../print/assets.ts';
import { printThing } from '../../print/thing.ts';
import { type OutputFlags, withOutput } from '../../print/things.ts';
import { Server, type ServerFlags, withServer } from '../../process/server.ts';

export function addShow(group: Command): void {
  withServer(withOutput(group.command('show <name>')))
    .summary('what one is')
    .description('What an asset is: name, or name@version. With -o json: its record.')
    .addHelpText('before', 'Examples:\n  runwire asset show train\n  runwire asset show -o json train@1\n')
    .action(async (name: string, flags: ServerFlags & OutputFlags) => {
      const asset = await new Server(flags).quick.assets.get(name);
      await printThing(asset, nameOfAsset(asset), flags, () => assetPage(asset));
    });
}
