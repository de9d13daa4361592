import { createHash } from 'node:crypto';
import { exactly, type FileEntry } from '../../client/runwire.ts';
import { Failure } from '../process/failure.ts';
import { say } from '../process/say.ts';
import { Server, type ServerFlags } from '../process/server.ts';
import { copied, writtenTo } from './copied.ts';
import { isDevice, landingOf } from './destination.ts';
import { fetched } from './fetched.ts';
import { type Remote, written } from './place.ts';
import { UNPROVED } from './receive.ts';
import { below, lookUp, one, whole } from './selection.ts';
import { type Tree, treeOf } from './tree.ts';

/** Files of the server to a file or a directory here, or as a tar to standard output (`-`). */
export async function copiedOut(remote: Remote, destination: string, flags: ServerFlags): Promise<void> {
  const server = new Server(flags);
  const entry = await server.ask((rw) => lookUp(treeOf(rw, remote), remote));
  const tree = treeOf(server.patient, remote);
  if (destination === '-') return copied(tree.archive({ glob: await globOf(tree, remote, entry) }));
  if (entry === null) return fetched(tree, await whole(tree), destination);
  const name = entry.path.split('/').at(-1) ?? '';
  if (entry.type === 'directory') {
    if (remote.contents) return fetched(tree, await below(tree, entry, ''), destination);
    const landing = landingOf(destination, name);
    return fetched(tree, await below(tree, entry, landing.name), landing.directory);
  }
  if (remote.isDirectory) throw new Failure(`${written(remote)}: it is no directory`);
  if (isDevice(destination)) return writtenTo(destination, compared(tree.file(entry.path), entry));
  const landing = landingOf(destination, name);
  await fetched(tree, one(entry, landing.name), landing.directory);
}

/** It is told where they are not those of the hash. */
async function* compared(
  bytes: AsyncIterable<Uint8Array>,
  { path, sha256 }: FileEntry,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const part of bytes) {
    hash.update(part);
    yield part;
  }
  if (hash.digest('hex') !== sha256) say(`${path}: ${UNPROVED}`);
}

async function globOf(
  tree: Tree,
  remote: Remote,
  entry: Awaited<ReturnType<typeof lookUp>>,
): Promise<string | undefined> {
  if (entry === null) return undefined;
  if (entry.type !== 'directory') return exactly(entry.path);
  const { globs } = await below(tree, entry, '');
  if (globs.length < 2) return globs[0] ?? exactly(entry.path);
  throw new Failure(
    `${written(remote)}: too many names begin with a dot for one archive: copy it to a directory`,
  );
}
