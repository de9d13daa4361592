import { TAR_END, tarHead, tarPadding } from './tar-head.ts';

/** A tar of one file of so many bytes; a buffer is good until the next is asked for. */
export async function* oneFileTar(
  { name, size, mode }: { name: string; size: number; mode: number },
  content: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  yield tarHead({ name, type: 'file', size, mode, modified: new Date() });
  yield* content;
  yield tarPadding(size);
  yield TAR_END;
}

/** An empty file of this name, to be put in front of a tar. */
export function emptyFile(name: string): Buffer {
  return tarHead({ name, type: 'file', size: 0, mode: 0o444, modified: new Date() });
}
