import { codeOf } from './error-words.ts';

/** What can run out, by errno name: of storage, or of something else that the system gives. */
const STORAGE: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk of the server is full',
  EDQUOT: 'the disk quota of the server is used up',
  EROFS: 'the disk of the server is read-only',
  EIO: 'the disk of the server failed',
};
const SYSTEM: Readonly<Record<string, string>> = {
  EMFILE: 'the server has too many files open',
  ENFILE: 'this machine has too many files open',
  ENOMEM: 'this machine has no memory left',
  EAGAIN: 'this machine has no room for another process or thread',
};

/** Something that the server needs has run out: no fault of who asked, and it may be there again later. */
export interface Shortage {
  of: 'storage' | 'system';
  /** In words for people, with the errno name. */
  words: string;
}

/** Null: the error tells of something else. */
export function shortageOf(error: unknown): Shortage | null {
  const code = codeOf(error) ?? '';
  const storage = STORAGE[code];
  if (storage !== undefined) return { of: 'storage', words: `${storage} (${code})` };
  const system = SYSTEM[code];
  return system === undefined ? null : { of: 'system', words: `${system} (${code})` };
}

/** Why the storage did not take something, in words for people that name no path. */
export function storageText(error: unknown): string {
  const code = codeOf(error) ?? String(error);
  return shortageOf(error)?.words ?? `the storage of the server failed (${code})`;
}
