import type { Repeating } from './connection.ts';
import { withJson } from './connection.ts';

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
  const form = new FormData();
  form.append(part, new Blob([JSON.stringify(document)], { type: 'application/json' }));
  for (const { path, body } of files) {
    if (/["\r\n]/.test(path))
      throw new TypeError(`a form cannot tell the path ${JSON.stringify(path)}: send it in an archive`);
    form.append('file', blobOf(body), path);
  }
  if (archive !== undefined) form.append('archive', blobOf(archive), 'archive');
  return { ...call, body: form };
}

const blobOf = (body: string | Uint8Array | Blob): Blob =>
  body instanceof Blob ? body : new Blob([body as string | Uint8Array<ArrayBuffer>]);
