import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { getSystemErrorMessage } from 'node:util';

/** More than any header takes. */
const LONGEST_TOKEN = 8192;
const READ_BY_OTHERS = 0o004;

/**
 * The token in a file, without one newline at its end. Read once, so that it may be a pipe. Throws Error in words that
 * name no content: it goes on with the name of the variable.
 */
export function readToken(file: string): string {
  const text = readShort(file).replace(/\r?\n$/, '');
  if (text === '') throw new Error('is empty');
  if (!/^[\x21-\x7e]+$/.test(text))
    throw new Error('must hold visible ASCII characters without spaces, and one newline at most');
  return text;
}

/** What is to be said of a file with secrets that other users may read; null: nothing. */
export function openToOthers(variable: string, file: string | null): string | null {
  const stat = file === null ? undefined : statSync(file, { throwIfNoEntry: false });
  if (!stat?.isFile() || (stat.mode & READ_BY_OTHERS) === 0) return null;
  return `${variable}: every user of this machine can read ${file}: chmod 600 it`;
}

function readShort(file: string): string {
  const bytes = Buffer.alloc(LONGEST_TOKEN + 1);
  let size = 0;
  try {
    const fd = openSync(file, 'r');
    try {
      if (fstatSync(fd).isDirectory()) throw new Error('is a directory');
      for (let got = -1; got !== 0 && size < bytes.length; size += got)
        got = readSync(fd, bytes, size, bytes.length - size, null);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    const { errno } = error as NodeJS.ErrnoException;
    throw errno === undefined ? error : new Error(`cannot be read: ${getSystemErrorMessage(errno)}`);
  }
  if (size > LONGEST_TOKEN) throw new Error(`holds more than ${LONGEST_TOKEN} bytes`);
  return bytes.toString('latin1', 0, size);
}
