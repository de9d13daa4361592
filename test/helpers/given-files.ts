import { Staging } from '../../src/files/staging.ts';
import type { GivenFiles } from '../../src/workspaces/workspaces.ts';

/** Files as a request brings them: whole and on the disk, beside the document. */
export async function givenFiles(dataDir: string, files: Record<string, string>): Promise<GivenFiles> {
  const staged = new Staging(dataDir, { bytes: 1e6, files: 1000 }).begin();
  for (const [path, text] of Object.entries(files))
    await staged.filling.file({ parts: path.split('/'), mode: 0o644 }, Buffer.from(text));
  return { digest: staged.digest(), moveTo: (directory) => staged.moveTo(directory) };
}
