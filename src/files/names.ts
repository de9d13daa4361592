/** What a file system takes of one name, and Linux of a path, bytes. */
const NAME_BYTES = 255;
const PATH_BYTES = 4096;

/** A name of a file that is not taken, and why, in words for the client. */
export class BadName extends Error {
  readonly path: string;

  constructor(path: string, why: string, options?: ErrorOptions) {
    super(`${JSON.stringify(path.slice(0, 200))} ${why}`, options);
    this.name = 'BadName';
    this.path = path;
  }
}

/**
 * The parts of a relative path with slashes: no part leads up, none is empty, none has a NUL or is longer than a file
 * system takes. A slash at the end, as archives write directories, counts for nothing. Throws BadName.
 */
export function partsOf(path: string): string[] {
  const refuse = (why: string): never => {
    throw new BadName(path, why);
  };
  if (path.startsWith('/')) refuse('is absolute: paths of files are relative');
  if (!path.isWellFormed()) refuse('has half of a surrogate pair');
  if (path.includes('\0')) refuse('has a NUL');
  if (Buffer.byteLength(path) > PATH_BYTES) refuse(`is longer than ${PATH_BYTES} bytes`);
  const parts = path.replace(/\/+$/, '').split('/');
  // `tar c .` begins every name with it.
  if (parts[0] === '.' && parts.length > 1) parts.shift();
  for (const part of parts) {
    if (part === '' || part === '.') refuse('has an empty part');
    if (part === '..') refuse('leads out of the directory');
    if (Buffer.byteLength(part) > NAME_BYTES) refuse(`has a name of more than ${NAME_BYTES} bytes`);
  }
  return parts;
}

/** The same of a name that came as bytes. Those that are no UTF-8 have become this character, and the name would be another one. */
export function decodedPartsOf(path: string): string[] {
  if (path.includes('\ufffd')) throw new BadName(path, 'is not UTF-8');
  return partsOf(path);
}

/** Does a link at this place stay within the directory, wherever links on its way lead. Its text alone is judged. */
export function staysInside(place: readonly string[], target: string): boolean {
  if (target.startsWith('/') || target === '') return false;
  let depth = place.length - 1;
  for (const part of target.split('/')) {
    if (part === '..') depth--;
    else if (part !== '' && part !== '.') depth++;
    if (depth < 0) return false;
  }
  return true;
}
