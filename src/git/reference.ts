import { gitRefusal } from './refusal.ts';

/** What of a repository is asked for. */
export type GitReference =
  | { kind: 'head' }
  /** A branch or, where there is none of the name, a tag. */
  | { kind: 'name'; name: string }
  /** A full name (`refs/pull/7/head`) or the full id of a commit. */
  | { kind: 'exact'; name: string; isCommit: boolean };

const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i;

/** What git-check-ref-format(1) refuses, and `-` at the beginning, which would be an option. */
const NO_NAME = [
  /^$|^-|^@$/,
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  /[\x00-\x20\x7f~^:?*[\\]/,
  /\.\.|@\{|\/\/|^\/|\/$|\.$/,
  /(?:^|\/)\./,
  /\.lock(?:\/|$)/,
];

/** Throws RunwireError for what can be the name of no branch, tag or commit. */
export function gitReference(ref: string | undefined): GitReference {
  if (ref === undefined || ref === 'HEAD') return { kind: 'head' };
  if (NO_NAME.some((form) => form.test(ref)))
    throw gitRefusal('ref', 'must be a branch, a tag, a full commit id or HEAD');
  if (COMMIT.test(ref)) return { kind: 'exact', name: ref.toLowerCase(), isCommit: true };
  return ref.startsWith('refs/')
    ? { kind: 'exact', name: ref, isCommit: false }
    : { kind: 'name', name: ref };
}
