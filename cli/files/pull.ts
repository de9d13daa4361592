import { type ArtifactDescriptor, NotFoundError, type Run, type RunRecord } from '../../client/runwire.ts';
import { fetched } from './fetched.ts';
import { fetchedArchive } from './fetched-archive.ts';
import type { Coming } from './receive.ts';
import { whole } from './selection.ts';
import type { Tree } from './tree.ts';

const CAPTURES = ['stdout', 'stderr', 'setup_stdout', 'setup_stderr'];

/** What a run leaves: what it was to keep, if it was to keep anything, else all that is in its directory. */
export async function pull(run: Run, record: RunRecord, directory: string): Promise<void> {
  if (!keepsSomething(record)) return fetched(run, await whole(run), directory);
  const kept = (await run.artifacts()).filter(({ artifact_id: id }) => !CAPTURES.includes(id));
  const isTree = kept.filter((artifact) => isDirectory(artifact, record));
  const files = kept.filter((artifact) => !isTree.includes(artifact));
  const { tree, coming } = await asFiles(run, files, record);
  await fetched(tree, coming, directory);
  for (const artifact of isTree)
    await fetchedArchive(() => run.artifact(artifact.artifact_id), directory, pathOf(artifact, record));
}

function keepsSomething({ invocation }: RunRecord): boolean {
  const { artifacts = [], outputs = [] } = invocation.options;
  return artifacts.length > 0 || outputs.length > 0 || invocation.artifact_directory !== null;
}

/** A directory that was declared as an output comes as one tar. */
function isDirectory({ artifact_id: id, metadata }: ArtifactDescriptor, { invocation }: RunRecord): boolean {
  const output = invocation.options.outputs?.find((one) => one.id === id);
  return output !== undefined && metadata.media_type === 'application/x-tar' && !output.path.endsWith('.tar');
}

/** Artifacts as files at the paths that they had, with the modes that they have there. */
async function asFiles(
  run: Run,
  kept: ArtifactDescriptor[],
  record: RunRecord,
): Promise<{ tree: Tree; coming: Coming }> {
  const modes = await modesIn(run);
  const idOf = new Map<string, string>();
  const entries: Coming['entries'] = new Map(
    kept.map((artifact) => {
      const path = pathOf(artifact, record);
      idOf.set(path, artifact.artifact_id);
      const { size_bytes: size, sha256, modified_at: modified } = artifact.metadata;
      const mode = modes.get(path) ?? '0644';
      return [
        path,
        { path, type: 'file', size_bytes: Number(size), mode, modified_at: `${modified}`, sha256 },
      ];
    }),
  );
  const tree: Tree = {
    files: () => run.files(),
    file: (path, options) => run.artifact(idOf.get(path) ?? path, options),
    archive: (options) => run.archive(options),
  };
  return { tree, coming: { entries, globs: [], here: (path) => path } };
}

/** Relative to where it worked; of what was elsewhere its id. */
function pathOf({ artifact_id: id, path }: ArtifactDescriptor, { invocation }: RunRecord): string {
  const { working_directory: directory } = invocation;
  return directory !== null && path.startsWith(`${directory}/`) ? path.slice(directory.length + 1) : id;
}

async function modesIn(run: Run): Promise<Map<string, string>> {
  const modes = new Map<string, string>();
  try {
    for await (const { path, mode } of run.files()) modes.set(path, mode);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error; // its directory is not the server's
  }
  return modes;
}
