import type { Repeating } from './connection.ts';
import { withJson } from './connection.ts';
import { newId } from './new-id.ts';

const BYTES = 'application/octet-stream';

/** Files that come beside a document. */
export interface Beside {
  files?: readonly { path: string; body: string | Uint8Array | Blob }[] | undefined;
  /** A tar, a tar in gzip or a zip, which is unpacked. */
  archive?: Uint8Array | Blob | undefined;
}

/** A call with a document, in JSON or, where files come with it, in a form (RFC 7578). Throws TypeError for a path that a form cannot tell. */
export function withFiles(
  call: Repeating,
  part: string,
  document: object,
  { files = [], archive }: Beside,
): Repeating {
  if (files.length === 0 && archive === undefined) return withJson(call, document);
  const boundary = `runwire-${newId()}`;
  const parts: (string | Blob)[] = [];
  const put = (name: string, filename: string | null, type: string, body: string | Blob): void => {
    const file = filename === null ? '' : `; filename="${filename}"`;
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\nContent-Type: ${type}\r\n\r\n`;
    parts.push(head, body, '\r\n');
  };
  put(part, null, 'application/json', JSON.stringify(document));
  for (const { path, body } of files) {
    if (/["\r\n]/.test(path))
      throw new TypeError(`a form cannot tell the path ${JSON.stringify(path)}: send it in an archive`);
    put('file', path, BYTES, blobOf(body));
  }
  if (archive !== undefined) put('archive', 'archive', BYTES, blobOf(archive));
  const type = `multipart/form-data; boundary=${boundary}`;
  // No FormData: fetch of Node reads all of that before it is sent.
  const body = new Blob([...parts, `--${boundary}--\r\n`]);
  return { ...call, headers: { ...call.headers, 'content-type': type }, body };
}

const blobOf = (body: string | Uint8Array | Blob): Blob =>
  body instanceof Blob ? body : new Blob([body as string | Uint8Array<ArrayBuffer>]);
