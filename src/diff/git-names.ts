const ESCAPES: Record<number, string> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  34: '\\"',
  92: '\\\\',
};

/** Spaces in which git loses a name that is in no quotes. */
const LOST_SPACE = /(^|[ /]) | ($|\/)/;

/** A path as git writes it: in quotes, as in C, where there is something else in it than plain ASCII; also where git itself does not, and does not read what it wrote. */
export function quoted(path: string): string {
  const bytes = Buffer.from(path);
  let words = '';
  for (const byte of bytes)
    words +=
      ESCAPES[byte] ??
      (byte < 0x20 || byte > 0x7e ? `\\${byte.toString(8).padStart(3, '0')}` : String.fromCharCode(byte));
  return words === path && !LOST_SPACE.test(path) ? path : `"${words}"`;
}

/** Characters that HFS+ does not see in a name. */
const UNSEEN = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;
/** The directory of a repository as any file system may know it, also by a short name or a stream of NTFS. */
const REPOSITORY = /^(\.git|git~1)[. ]*(:.*)?$/is;
const MODULES = /^(\.gitmodules|gitmod~[1-4]|g(i(7(e(b(a)?)?)?)?)?~\d+)[. ]*(:.*)?$/is;

/** Git applies no patch that has this path in it, not even the rest of the patch. */
export function isRefusedByGit(path: string, isLink: boolean): boolean {
  return path
    .replace(UNSEEN, '')
    .split(/[/\\]/)
    .some((name) => REPOSITORY.test(name) || (isLink && MODULES.test(name)));
}
