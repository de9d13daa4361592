/** A file, a directory (`directory: true`) or a link (`target`) that goes into an archive. */
export interface TarEntry {
  /** Relative, with slashes. */
  path: string;
  body?: string | Uint8Array | Blob | undefined;
  directory?: boolean | undefined;
  target?: string | undefined;
  /** Permission bits. Default: 0o644, of a directory 0o755. */
  mode?: number | undefined;
  /** Default: now. */
  modifiedAt?: Date | undefined;
}

const BLOCK = 512;

/** A tar of these (POSIX pax), as bytes that are read when they are sent: files stay where they are until then. */
export function tarOf(entries: Iterable<TarEntry>): Blob {
  const parts: Blob[] = [];
  for (const entry of entries) {
    const { path, body = '', directory = false, target } = entry;
    const isFile = !directory && target === undefined;
    const bytes = isFile ? blobOf(body) : new Blob();
    const kind = directory ? '5' : target === undefined ? '0' : '2';
    const long = [
      ...(fits(path, 100) ? [] : [record('path', path)]),
      ...(target === undefined || fits(target, 100) ? [] : [record('linkpath', target)]),
      ...(bytes.size < 8 ** 11 ? [] : [record('size', String(bytes.size))]),
    ].join('');
    if (long !== '') parts.push(head({ path: 'pax' }, 'x', blobOf(long).size), padded(blobOf(long)));
    parts.push(head(entry, kind, bytes.size), padded(bytes));
  }
  return new Blob([...parts, new Uint8Array(2 * BLOCK)]);
}

function head({ path, target = '', mode, modifiedAt }: TarEntry, kind: string, size: number): Blob {
  const block = new Uint8Array(BLOCK);
  const put = (at: number, words: string, most: number): void => {
    block.set(new TextEncoder().encode(words).subarray(0, most), at);
  };
  const octal = (value: number, digits: number): string =>
    value.toString(8).padStart(digits, '0').slice(-digits);
  put(0, path, 100);
  put(100, octal(mode ?? (kind === '5' ? 0o755 : 0o644), 7), 7);
  put(108, octal(0, 7), 7);
  put(116, octal(0, 7), 7);
  put(124, octal(size < 8 ** 11 ? size : 0, 11), 11);
  put(136, octal(Math.max(0, Math.floor((modifiedAt?.getTime() ?? Date.now()) / 1000)), 11), 11);
  put(148, '        ', 8);
  put(156, kind, 1);
  put(157, target, 100);
  put(257, 'ustar\u000000', 8);
  put(
    148,
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\0 `,
    8,
  );
  return new Blob([block]);
}

/** A record of pax: its length counts its own digits. */
function record(name: string, value: string): string {
  const rest = new TextEncoder().encode(` ${name}=${value}\n`).length;
  let length = rest + String(rest).length;
  if (rest + String(length).length !== length) length = rest + String(length).length;
  return `${length} ${name}=${value}\n`;
}

const padded = (bytes: Blob): Blob =>
  new Blob([bytes, new Uint8Array((BLOCK - (bytes.size % BLOCK)) % BLOCK)]);
const fits = (words: string, most: number): boolean => /^[\x20-\x7e]*$/.test(words) && words.length <= most;
const blobOf = (body: string | Uint8Array | Blob): Blob =>
  body instanceof Blob ? body : new Blob([body as string | Uint8Array<ArrayBuffer>]);
