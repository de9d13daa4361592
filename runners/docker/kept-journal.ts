import type { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import { DaemonGone, type DockerDaemon, statusOf } from './daemon.ts';

/** The bytes of a keeper's journal in a container that does not run. Null: there is none. Throws DaemonGone where it breaks off. */
export async function keptJournal(
  daemon: DockerDaemon,
  id: string,
  directory: string,
): Promise<AsyncIterable<Buffer> | null> {
  let archive: Readable;
  try {
    const path = `${directory}/journal`;
    archive = (await daemon.ask((docker) => docker.getContainer(id).getArchive({ path }))) as Readable;
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
  return bytesOf(daemon, archive);
}

async function* bytesOf(daemon: DockerDaemon, archive: Readable): AsyncGenerator<Buffer> {
  const tar = extract();
  archive.on('error', (error) => tar.destroy(error));
  archive.once('close', () => {
    if (!archive.readableEnded) tar.destroy(new Error('it broke off'));
  });
  archive.pipe(tar as unknown as NodeJS.WritableStream); // a stream of another make, with the same methods
  try {
    for await (const entry of tar) {
      if (entry.header.type !== 'file') return;
      for await (const chunk of entry) yield chunk as Buffer;
      return;
    }
  } catch (error) {
    throw new DaemonGone(daemon.where, error);
  } finally {
    archive.destroy();
    tar.destroy();
  }
}
