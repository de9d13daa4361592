import { RunwireError } from '../documents/errors.ts';
import type { GitAddress } from './address.ts';
import type { GitEnd } from './program.ts';
import { gitRefusal } from './refusal.ts';

export interface ToldOf {
  address: GitAddress;
  ref: string | undefined;
  mask(text: string): string;
  /** A path of the server that is nobody's business. */
  place: string;
  maxBytes: number;
}

const LONGEST = 300;
const SIGXFSZ = 25;

type Made = (told: ToldOf, words: string) => RunwireError;

const tooLarge: Made = ({ maxBytes }) =>
  new RunwireError('workspace_full', `the repository is too large: more than ${maxBytes} bytes`);

/** What git, which was told to speak English, says, and what a client is told of it. */
const KNOWN: readonly [RegExp, Made][] = [
  [
    /No space left on device|Disk quota exceeded/,
    () =>
      new RunwireError('insufficient_storage', 'the disk of the server is full', { retryAfterSeconds: 10 }),
  ],
  [new RegExp(`died of signal ${SIGXFSZ}|File size limit exceeded|File too large`), tooLarge],
  [
    /Out of memory|out of memory|unable to create thread|Cannot allocate memory/,
    () => gitRefusal('url', 'the repository needs more memory than git gets'),
  ],
  [
    /Remote branch .* not found|couldn't find remote ref|not our ref|[Uu]nadvertised object|want [0-9a-f]+ not valid/,
    ({ ref }) => gitRefusal('ref', `there is no ${ref ?? 'HEAD'} in the repository`),
  ],
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

/** Why git failed, for clients. */
export function toldFailure({ code, errors }: GitEnd, told: ToldOf): RunwireError {
  if (code === 128 + SIGXFSZ) return tooLarge(told, '');
  const known = KNOWN.find(([form]) => form.test(errors));
  const words = shown(errors, told);
  return (
    known?.[1](told, words) ?? gitRefusal('', words === '' ? `git ended with ${code}` : `git says: ${words}`)
  );
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
