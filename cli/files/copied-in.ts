import { createReadStream, openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { exactly } from '../../client/runwire.ts';
import { Progress } from '../process/progress.ts';
import { Server, type ServerFlags } from '../process/server.ts';
import { entriesOf, nameOf } from './local-tree.ts';
import type { Remote } from './place.ts';

/** Standard input may be a socket, which cannot be opened once more. */
const streamOf = (source: string): AsyncIterable<Uint8Array> =>
  source === '/dev/stdin' ? process.stdin : createReadStream(source);

/** A file or a directory here, or a tar of standard input (`-`), into a workspace. */
export async function copiedIn(source: string, remote: Remote, flags: ServerFlags): Promise<void> {
  const progress = new Progress('sending');
  const server = new Server(flags, progress);
  await server.ask((rw) => rw.workspaces.attach(remote.id).refresh());
  const workspace = server.patient.workspaces.attach(remote.id);
  try {
    if (source === '-') {
      await workspace.unpack(process.stdin, { path: remote.path || undefined });
      return;
    }
    const stats = await stat(source);
    const name = nameOf(source);
    const isBelow = remote.isDirectory || (await isDirectory());
    const to = [...(remote.path === '' ? [] : [remote.path]), ...(isBelow && name !== '' ? [name] : [])].join(
      '/',
    );
    if (stats.isDirectory()) {
      const entries = await entriesOf({ from: source, to });
      if (entries.length > 0) await workspace.push(entries);
    } else {
      const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
      // A pipe can be read once alone.
      const bytes = stats.isFile() ? await openAsBlob(source) : streamOf(source);
      await workspace.put(to, bytes, { mode: stats.isFile() ? mode : undefined });
    }
  } finally {
    progress.end();
  }

  async function isDirectory(): Promise<boolean> {
    if (remote.path === '') return true;
    for await (const { type } of workspace.files({ glob: exactly(remote.path) })) return type === 'directory';
    return false;
  }
}
