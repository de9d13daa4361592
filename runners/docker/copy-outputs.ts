import { createWriteStream } from 'node:fs';
import { mkdir, utimes } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CountedCaps } from '../../src/artifacts/caps.ts';
import { LeftOut, reasonOf } from '../../src/artifacts/open-inside.ts';
import type { RunContext } from '../../src/contract/context.ts';
import { BROUGHT_AS, type BroughtOutput } from '../../src/contract/outcome.ts';
import { outputsOf } from '../../src/disk/run-directory.ts';
import type { ArtifactCaps, Omitted } from '../../src/documents/artifact.ts';
import type { Output } from '../../src/documents/declared-files.ts';
import { kept } from '../../src/files/blocks.ts';
import { unpackTree } from '../../src/files/unpack-tree.ts';
import { isInside } from '../../src/platform/inside.ts';
import { removeTree } from '../../src/platform/remove-tree.ts';
import { shortageOf } from '../../src/platform/shortage.ts';
import { archiveAt, entriesOf } from './archive.ts';
import { type DockerDaemon, daemonWords } from './daemon.ts';
import { type StatInside, statIn } from './inside.ts';
import type { DockerSpec } from './spec.ts';
import { insideWorkingDirectory } from './workspace.ts';

/** What a tar has beside the content of files is bounded too. */
const READ_FACTOR = 2;
const READ_LEAST = 2 ** 20;
const MAX_NAMES = 250_000;
const MAX_LISTED = 1000;

interface Copying {
  daemon: DockerDaemon;
  id: string;
  /** Of all outputs together, as of the artifacts that they become. */
  caps: CountedCaps;
  mostNames: number;
  omitted: Omitted[];
}

/**
 * Outputs of an ended container that has nothing of this machine mounted, each brought below the run directory: what is the client's
 * there is not touched. Links are followed as in the container, within its working directory. Done again it does the same.
 */
export async function copyOutputs(
  { daemon, artifactCaps }: { daemon: DockerDaemon; artifactCaps: ArtifactCaps },
  id: string,
  ctx: RunContext<DockerSpec>,
): Promise<{ outputs: BroughtOutput[]; omitted: Omitted[] }> {
  const mostNames = artifactCaps.entries ?? MAX_NAMES;
  const copying: Copying = { daemon, id, caps: new CountedCaps(artifactCaps), mostNames, omitted: [] };
  const outputs: BroughtOutput[] = [];
  for (const output of ctx.invocation.options.outputs ?? []) {
    const place = join(outputsOf(ctx.directory), output.id);
    try {
      await removeTree(Buffer.from(place));
      await mkdir(place, { recursive: true, mode: 0o700 });
      await bring(copying, insideWorkingDirectory(ctx), output, join(place, BROUGHT_AS));
      outputs.push({ id: output.id, place });
    } catch (error) {
      await removeTree(Buffer.from(place));
      const known = error instanceof LeftOut || shortageOf(error) !== null;
      const reason = known ? reasonOf(error) : `cannot be copied: ${daemonWords(error)}`;
      outputs.push({ id: output.id, place: null, reason });
    }
  }
  return { outputs, omitted: copying.omitted };
}

async function bring(copying: Copying, directory: string, { path }: Output, to: string): Promise<void> {
  const { daemon, id, caps, mostNames, omitted } = copying;
  const { at, stat } = await found(copying, directory, path);
  const archive = await archiveAt(daemon, id, at);
  if (archive === null) throw new LeftOut('does not exist');
  try {
    if (stat.type === 'file') return await bringFile(archive, caps, to);
    await mkdir(to, { mode: 0o700 });
    await unpackTree(withinCaps(archive, caps), to, {
      leaveOut(below, reason) {
        if (omitted.length < MAX_LISTED) omitted.push({ path: `${path}/${below}`, reason });
      },
      goOn(names) {
        if (names > mostNames) throw new LeftOut(`more than ${mostNames} names are in it`);
      },
    });
  } finally {
    archive.destroy();
  }
}

/** Where a path ends in the container. Throws LeftOut where that is nothing, or out of the directory. */
async function found(
  { daemon, id }: Copying,
  directory: string,
  path: string,
): Promise<{ at: string; stat: StatInside }> {
  const statOf = (at: string) => statIn(daemon, id, at);
  const root = (await statOf(directory))?.target ?? directory;
  let at = root;
  let stat: StatInside | null = null;
  for (const part of path.split('/')) {
    at = posix.join(at, part);
    stat = await statOf(at);
    if (stat === null) throw new LeftOut('does not exist');
    if (stat.target === null) continue;
    at = stat.target;
    if (!isInside(root, at)) throw new LeftOut('a symbolic link out of the directory');
    stat = await statOf(at);
    if (stat === null) throw new LeftOut('a symbolic link that leads nowhere');
  }
  if (stat?.type === 'file' || stat?.type === 'directory') return { at, stat };
  throw new LeftOut('neither a file nor a directory');
}

async function bringFile(archive: Readable, caps: CountedCaps, to: string): Promise<void> {
  for await (const { type, size, modified, content } of entriesOf(archive)) {
    if (type !== 'file') throw new LeftOut('neither a file nor a directory');
    caps.admit(size);
    const pieces = Buffer.isBuffer(content) ? [content] : kept(content);
    await pipeline(pieces, createWriteStream(to, { flags: 'wx', mode: 0o600 }));
    await utimes(to, modified, modified);
    return;
  }
  throw new LeftOut('does not exist');
}

/** The artifact that it becomes is about as long. */
function withinCaps(archive: Readable, caps: CountedCaps): Readable {
  const { bytes: room, words } = caps.room;
  const most = room * READ_FACTOR + READ_LEAST;
  let length = 0;
  return Readable.from(
    (async function* counted() {
      for await (const chunk of archive as AsyncIterable<Buffer>) {
        length += chunk.length;
        if (length > most) throw new LeftOut(words);
        yield chunk;
      }
      caps.admit(Math.min(length, room));
    })(),
    { objectMode: false },
  );
}
