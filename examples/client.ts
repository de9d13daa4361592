// A project is built elsewhere, live, and what was built comes back:
//
//     RUNWIRE_URL=http://127.0.0.1:7070 node examples/client.ts DIRECTORY RESULT -- COMMAND…
//
// The directory goes into a workspace, the command runs there with its output here, and what it made or changed is
// written into RESULT. Exits as the command did. Ctrl-C cancels it. In a program of your own: from 'runwire/client'.
import { openAsBlob } from 'node:fs';
import { mkdir, readdir, readlink, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { RunFailedError, Runwire, type TarEntry } from '../client/runwire.ts';

const [from = '', to = '', , ...command] = process.argv.slice(2);
if (command.length === 0) throw new Error('usage: client.ts DIRECTORY RESULT -- COMMAND…');

const rw = new Runwire();
const workspace = await rw.workspaces.create({ ttl_seconds: 3600 });
const before = await workspace.push(await entriesOf(from)).then(() => workspace.snapshot());
try {
  await using run = await rw.submit({
    runtime_kind: 'subprocess',
    command,
    options: { workspace: workspace.id },
  });
  process.once('SIGINT', () => run.cancel());
  for await (const bytes of run.output()) process.stdout.write(bytes);
  await run.wait({ check: true });
  for (const { path, type, change } of (await workspace.diff(before.id)).files) {
    if (type !== 'file' || change === 'deleted') continue;
    await mkdir(dirname(join(to, path)), { recursive: true });
    await writeFile(join(to, path), workspace.file(path));
    console.error(`${change} ${path}`);
  }
} catch (error) {
  if (!(error instanceof RunFailedError)) throw error;
  console.error(error.message);
  process.exitCode = error.record.result.exit_code ?? 125;
} finally {
  await workspace.remove({ cancel: true });
  await before.remove();
}

/** What is in a directory, each file read when it is sent. */
async function entriesOf(directory: string): Promise<TarEntry[]> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true });
  return Promise.all(
    found.map(async (entry): Promise<TarEntry> => {
      const file = join(entry.parentPath, entry.name);
      const path = relative(directory, file);
      if (entry.isSymbolicLink()) return { path, target: await readlink(file) };
      const { mode } = await stat(file);
      if (entry.isDirectory()) return { path, directory: true, mode };
      return { path, body: await openAsBlob(file), mode };
    }),
  );
}
