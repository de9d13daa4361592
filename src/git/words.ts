import { statfs } from 'node:fs/promises';
import { RunwireError } from '../documents/errors.ts';
import type { GitAddress } from './address.ts';
import { sizeOf, type TreeCaps, tooManyBytes } from './growth.ts';
import type { GitEnd } from './program.ts';
import { gitRefusal } from './refusal.ts';

export interface ToldOf {
  address: GitAddress;
  ref: string | undefined;
  mask(text: string): string;
  /** A path of the server that is nobody's business. */
  place: string;
  /** What came so far. */
  work: string;
  caps: TreeCaps;
}

const LONGEST = 300;

type Made = (told: ToldOf, words: string) => RunwireError;

const diskFull: Made = () =>
  new RunwireError('insufficient_storage', 'the disk of the server is full', { retryAfterSeconds: 10 });

const noSuchRef: Made = ({ ref }) => gitRefusal('ref', `there is no ${ref ?? 'HEAD'} in the repository`);

/** What git, which was told to speak English, says, and what a client is told of it. */
const KNOWN: readonly [RegExp, Made][] = [
  [/No space left on device|Disk quota exceeded/, diskFull],
  [/File too large/, ({ caps }) => tooManyBytes(caps)],
  [/File name too long/, () => gitRefusal('url', 'the repository has a path that is too long')],
  [
    /Out of memory|out of memory|unable to create thread|Cannot allocate memory/,
    () => gitRefusal('url', 'the repository needs more memory than git gets'),
  ],
  [/Remote branch .* not found|couldn't find remote ref|[Uu]nadvertised object/, noSuchRef],
  [
    /could not read (?:Username|Password)|Authentication failed|returned error: 401/,
    ({ address }) => gitRefusal('secret', `${address.host} asks for another one (401)`),
  ],
  [/returned error: 3\d\d/, () => gitRefusal('url', 'the server redirects, which is not followed')],
  [/repository '.*' not found|returned error: 404/, () => gitRefusal('url', 'there is no repository (404)')],
  [
    /hasDot|fsck error|error in packed object/,
    (_, words) => gitRefusal('url', `what it holds is refused: ${words}`),
  ],
  [
    /early EOF|hung up unexpectedly|RPC failed|transfer closed|unexpected disconnect|bad line length/,
    ({ address }, words) => gitRefusal('url', `${address.host} broke off: ${words}`),
  ],
];

/** What the other side said must not pass for what happened here. */
const OF_OTHERS = /^(?:remote:|fatal: remote error:).*$/gm;
const NO_SUCH = /^fatal: remote error: .*(?:not our ref|want [0-9a-f]+ not valid)/m;

/** Why git failed, for clients. Where it could not write it does not always say why: what is there tells. */
export async function toldFailure({ code, errors }: GitEnd, told: ToldOf): Promise<RunwireError> {
  // What its helpers say then is no reason, but a consequence.
  if (code > 128) return gitRefusal('', `git was ended by signal ${code - 128}`);
  const words = shown(errors, told);
  if (NO_SUCH.test(errors)) return noSuchRef(told, words);
  const own = errors.replaceAll(OF_OTHERS, '');
  const known = KNOWN.find(([form]) => form.test(own));
  if (known !== undefined) return known[1](told, words);
  try {
    await sizeOf(told.work, told.caps);
    const { bavail, ffree, files } = await statfs(told.place);
    if (bavail === 0 || (files > 0 && ffree === 0)) return diskFull(told, words);
  } catch (error) {
    if (error instanceof RunwireError) return error;
  }
  return gitRefusal('', words === '' ? `git ended with ${code}` : `git says: ${words}`);
}

/** The line that tells most, without what is secret or the server's own. */
function shown(errors: string, { mask, place }: ToldOf): string {
  const lines = errors.split(/[\r\n]+/).filter((line) => line.trim() !== '');
  const telling = lines.filter((line) => /^(?:error|fatal):/.test(line));
  const line = telling[0] ?? lines.at(-1) ?? '';
  const plain = mask(line.replaceAll(place, '')).replace(/\p{C}/gu, '?');
  return plain.replace(/^(?:error|fatal): /, '').slice(0, LONGEST);
}

/** Would another way of asking find it: the server has it, and gives it to nobody by its id. */
export function isUnadvertised({ errors }: GitEnd): boolean {
  return /unadvertised object|want [0-9a-f]+ not valid/i.test(errors);
}
