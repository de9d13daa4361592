import type { Readable } from 'node:stream';
import { crc32, type InflateRaw } from 'node:zlib';
import { type Entry, getFileNameLowLevel, type ZipFile } from 'yauzl';
import { codeOf, messageOf } from '../platform/error-words.ts';
import { BadName } from './names.ts';

/** A link's text is not longer. */
const MAX_LINK_BYTES = 4096;
const DEFLATED = 8;

/**
 * What is in an entry, held to what the directory of the zip says of it: nothing of the reader's looks at the CRC-32, and what else
 * is wrong it tells without a name. Throws BadName, and what the storage says.
 */
export async function* soundContent(zip: ZipFile, entry: Entry, name: string): AsyncGenerator<Buffer> {
  const { compressedSize, uncompressedSize, compressionMethod } = entry;
  let sum = 0;
  let bytes = 0;
  let stream: Readable;
  try {
    stream = await zip.openReadStreamPromise(entry);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      sum = crc32(chunk, sum);
      bytes += chunk.length;
      if (bytes > uncompressedSize) break;
      yield chunk;
    }
  } catch (error) {
    const code = codeOf(error);
    if (code !== undefined && !code.startsWith('Z_')) throw error;
    throw new BadName(name, `cannot be unpacked: ${messageOf(error)}`, { cause: error });
  }
  if (bytes > uncompressedSize)
    throw new BadName(
      name,
      `is damaged: it has more than the ${uncompressedSize} bytes that it is said to have`,
    );
  if (bytes < uncompressedSize)
    throw new BadName(name, `is damaged: it has ${bytes} bytes and not ${uncompressedSize}`);
  if (sum !== entry.crc32) throw new BadName(name, 'is damaged: its bytes have another CRC-32 than it says');
  const taken = compressionMethod === DEFLATED ? (stream as InflateRaw).bytesWritten : bytes;
  if (taken !== compressedSize)
    throw new BadName(name, `is damaged: it takes ${taken} bytes of the archive and not ${compressedSize}`);
}

export async function linkText(
  content: AsyncIterable<Buffer>,
  name: string,
  { uncompressedSize }: Entry,
): Promise<string> {
  if (uncompressedSize > MAX_LINK_BYTES) throw new BadName(name, 'is a link that is too long');
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

export function nameOf(entry: Entry): string {
  const { generalPurposeBitFlag, fileNameRaw, extraFields } = entry;
  const name = getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, true);
  if (name.includes('\\') && !isOfUnix(entry))
    throw new BadName(name, 'has a backslash, which is a character of names on Unix alone');
  return name;
}

const isOfUnix = ({ versionMadeBy }: Entry): boolean => versionMadeBy >> 8 === 3;

/** What made it was a Unix: it kept the mode; else there is none. */
export function modeOf(entry: Entry): number {
  return isOfUnix(entry) ? entry.externalFileAttributes >>> 16 : 0;
}
