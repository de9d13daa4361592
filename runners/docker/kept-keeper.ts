import { pack } from 'tar-stream';
import { Rejected } from '../../src/contract/outcome.ts';
import type { KeptContainer } from './container-record.ts';
import { type DockerDaemon, daemonWords } from './daemon.ts';
import { runExec } from './exec.ts';
import type { ImageFacts } from './image.ts';
import { KEEPER_DIRECTORY, keeperBinary } from './keeper/binary.ts';

/** Throws Rejected where there is none. */
export function keeperFor({ os, architecture }: Pick<ImageFacts, 'os' | 'architecture'>): Buffer {
  const keeper = os === 'linux' ? keeperBinary(architecture) : null;
  if (keeper !== null) return keeper;
  throw new Rejected(
    `setup and sessions need an image for linux on amd64 or arm64, and this one is for ${os} on ${architecture}`,
  );
}

/** Into a volume: a root that is read-only takes nothing. */
export async function putKeeper(daemon: DockerDaemon, id: string, keeper: Buffer): Promise<void> {
  const tar = pack();
  tar.entry({ name: 'keeper', mode: 0o755 }, keeper);
  tar.entry({ name: 'runs/', type: 'directory', mode: 0o1777 });
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  await daemon.ask((docker) =>
    docker.getContainer(id).putArchive(Buffer.concat(chunks), { path: KEEPER_DIRECTORY }),
  );
}

/**
 * A program of user 0 may take the keeper away, or put another program in its place: it is put there again. Those that run are
 * not changed by it. '' or why it cannot be.
 */
export async function putKeeperBack(
  daemon: DockerDaemon,
  { id, image }: Pick<KeptContainer, 'id' | 'image'>,
): Promise<string> {
  try {
    const { Os: os, Architecture: architecture } = await daemon.ask((docker) =>
      docker.getImage(image).inspect(),
    );
    await putKeeper(daemon, id, keeperFor({ os, architecture }));
    return '';
  } catch (error) {
    return `what watches programs in the container cannot be put back: ${daemonWords(error)}`;
  }
}

/** One of its short works; where it is not there, once more when it is again. */
export async function askKeeper(
  daemon: DockerDaemon,
  container: Pick<KeptContainer, 'id' | 'image'>,
  { user, argv }: { user: string; argv: readonly string[] },
): ReturnType<typeof runExec> {
  const ask = () => runExec(daemon, { container: container.id, user, argv });
  const first = await ask();
  return first.code === 0 || (await putKeeperBack(daemon, container)) !== '' ? first : ask();
}
