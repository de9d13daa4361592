import { open } from 'node:fs/promises';
import { Sink } from '../process/sink.ts';

export const STDOUT = '/dev/stdout';

/** Bytes to standard output. */
export async function copied(bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const sink = new Sink(1);
  for await (const part of bytes) await sink.write(part);
  await sink.flush();
}

/** Bytes to a device or a pipe. Standard output is written on, where it is a file too. */
export async function writtenTo(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  if (path === STDOUT) return copied(bytes);
  const file = await open(path, 'w');
  try {
    for await (const part of bytes) await file.writeFile(part);
  } finally {
    await file.close();
  }
}
