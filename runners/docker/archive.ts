import type { Readable } from 'node:stream';
import { type TarEntry, tarEntries } from '../../src/files/tar-entries.ts';
import { type DockerDaemon, statusOf } from './daemon.ts';

/** What is at a path of a container, as a tar; who has it destroys it. Null: there is nothing. Throws as `ask` does. */
export async function archiveAt(daemon: DockerDaemon, id: string, path: string): Promise<Readable | null> {
  try {
    return (await daemon.ask((docker) => docker.getContainer(id).getArchive({ path }))) as Readable;
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
}

/** Its entries, each to be read before the next is asked for. Who leaves in between ends it. */
export async function* entriesOf(archive: Readable): AsyncGenerator<TarEntry> {
  try {
    yield* tarEntries(archive as AsyncIterable<Buffer>);
  } finally {
    archive.destroy();
  }
}
