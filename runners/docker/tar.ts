import { pack } from 'tar-stream';

/**
 * A tar of directories that everybody in the container may write to, for its user need not have a number that is known
 * outside. Parents that are not named are left to the engine.
 */
export async function packDirectories(paths: readonly string[]): Promise<Buffer> {
  const tar = pack();
  for (const path of paths) tar.entry({ name: `${path.slice(1)}/`, type: 'directory', mode: 0o777 });
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
