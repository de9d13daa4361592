import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

const KEY_BYTES = 32;

/**
 * A random key kept in a file of the data directory, made when there is none: the same for every server that comes
 * after. It is there whole or not at all, so that neither a crash nor a full disk leaves half of one.
 * Throws Error, naming the file, where none can be made and for what is none.
 */
export function keptKey(file: string): Buffer {
  if (!existsSync(file)) {
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      writeFileSync(`${file}.new`, randomBytes(KEY_BYTES), { mode: 0o600 });
      renameSync(`${file}.new`, file);
    } catch (error) {
      throw new Error(`${file} cannot be made: ${(error as Error).message}`, { cause: error });
    }
  }
  const key = contentOf(file);
  if (key.length !== KEY_BYTES)
    throw new Error(`${file} is damaged: delete it, and the next start makes a new one`);
  return key;
}

/** Of a regular file: a pipe in its place would be waited for for ever. */
function contentOf(file: string): Buffer {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(fd).isFile()) throw new Error(`${file} is no regular file`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}
