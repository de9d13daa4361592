const BLOCK_BYTES = 512;
const NAME_BYTES = 100;
/** What an octal field of 11 digits holds: of sizes and of seconds. */
const MAX_OCTAL = 8 ** 11 - 1;
/** The same of 7 digits: of owners. */
const MAX_OWNER = 8 ** 7 - 1;

/** How an entry of a tar begins. */
export interface TarHead {
  /** Of a directory with a slash at its end. */
  name: string;
  type: 'file' | 'directory' | 'link';
  /** Of a file: bytes. */
  size: number;
  mode: number;
  owner?: TarOwner | undefined;
  modified: Date;
  /** Of a link: its text. */
  target?: string | undefined;
}

/** By numbers. Where none is said it is root. */
export interface TarOwner {
  uid: number;
  gid: number;
}

const ROOT: TarOwner = { uid: 0, gid: 0 };
const FLAGS = { file: '0', link: '2', directory: '5' } as const;

/** The head of an entry (POSIX.1-2001 ustar), with an extended header (pax) before it for what it has no place for. */
export function tarHead(head: TarHead): Buffer {
  const records = paxRecords(head);
  if (records === '') return ustar(head, FLAGS[head.type]);
  const content = Buffer.from(records);
  const pax = { name: 'PaxHeader', size: content.length, mode: 0o644, modified: head.modified };
  return Buffer.concat([ustar(pax, 'x'), content, tarPadding(content.length), ustar(head, FLAGS[head.type])]);
}

/** What follows so many bytes of content: an entry fills whole blocks. */
export function tarPadding(size: number): Buffer {
  return ZEROS.subarray(0, (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES);
}

const ZEROS = Buffer.alloc(2 * BLOCK_BYTES);

/** What a tar ends with. */
export const TAR_END = ZEROS;

/** What does not fit, or is not in ASCII, whole seconds and eleven octal digits. */
function paxRecords({ name, size, modified, target = '', owner = ROOT }: TarHead): string {
  let records = '';
  if (!fits(name)) records += record('path', name);
  if (!fits(target)) records += record('linkpath', target);
  if (size > MAX_OCTAL) records += record('size', String(size));
  if (owner.uid > MAX_OWNER) records += record('uid', String(owner.uid));
  if (owner.gid > MAX_OWNER) records += record('gid', String(owner.gid));
  const seconds = secondsOf(modified);
  if (seconds < 0 || seconds > MAX_OCTAL) records += record('mtime', String(seconds));
  return records;
}

function fits(text: string): boolean {
  return text.length <= NAME_BYTES && Buffer.byteLength(text) === text.length;
}

/** `length key=value\n`, where the length counts its own digits. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes + String(bytes).length;
  if (bytes + String(length).length > length) length++;
  return `${length}${rest}`;
}

type Words = Pick<TarHead, 'name' | 'size' | 'mode' | 'modified' | 'target' | 'owner'>;

function ustar({ name, size, mode, modified, target = '', owner = ROOT }: Words, flag: string): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  // A name that is too long is told before; who does not read that gets a part of it.
  block.write(name, 0, NAME_BYTES, 'utf8');
  const [uid, gid] = [owner.uid, owner.gid].map((id) => octal(id > MAX_OWNER ? 0 : id, 7));
  block.write(`${octal(mode, 7)}\0${uid}\0${gid}\0`, 100, 'latin1');
  block.write(`${octal(size, 11)}\0${octal(secondsOf(modified), 11)}\0        ${flag}`, 124, 'latin1');
  block.write(target, 157, NAME_BYTES, 'utf8');
  block.write('ustar\x0000', 257, 'latin1');
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${octal(sum, 6)}\0 `, 148, 'latin1');
  return block;
}

function secondsOf(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}

function octal(value: number, digits: number): string {
  const shown = value < 0 || value > MAX_OCTAL ? 0 : value;
  return shown.toString(8).padStart(digits, '0');
}
