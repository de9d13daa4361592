/**
 * A path or file name as the bytes it has on disk, one character (U+0000 to U+00FF) a byte. File names
 * are bytes and need not be UTF-8; in this form none is lost, and strings compare, join and key as usual.
 */
export type BytePath = string & { readonly unit: 'byte' };

export function bytePath(path: string | Buffer): BytePath {
  return (typeof path === 'string' ? Buffer.from(path) : path).toString('latin1') as BytePath;
}

/** What node:fs takes. */
export function toBuffer(path: BytePath): Buffer {
  return Buffer.from(path, 'latin1');
}

/** What people and documents see: bytes that are not UTF-8 become U+FFFD. */
export function toText(path: BytePath): string {
  return toBuffer(path).toString('utf8');
}

export function joinBytes(directory: BytePath, name: BytePath): BytePath {
  return (directory.endsWith('/') ? directory + name : `${directory}/${name}`) as BytePath;
}
