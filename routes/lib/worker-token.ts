import type { IncomingMessage } from 'node:http';
import type { Engine } from '../../src/engine.ts';

/** What only the worker of a run may ask, with the token of its claim. */
const REPORTS: Readonly<Record<string, RegExp>> = {
  POST: /^\/invocations\/([^/?]+)\/(?:events|heartbeat|completion)(?:\?|$)/,
  PUT: /^\/invocations\/([^/?]+)\/artifacts\/[^/?]+(?:\?|$)/,
};

/** The token of an Authorization header. */
export function bearerOf(header: string | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(header ?? '')?.[1];
}

/** Does this request come from who holds, or held, a claim of the very run it is about. */
export function fromWorker(
  engine: Pick<Engine, 'has' | 'directory' | 'claims'>,
  { method = '', url = '', headers }: Pick<IncomingMessage, 'method' | 'url' | 'headers'>,
): boolean {
  const encoded = REPORTS[method]?.exec(url)?.[1];
  const token = bearerOf(headers.authorization);
  if (encoded === undefined || token === undefined) return false;
  try {
    const id = decodeURIComponent(encoded);
    return engine.has(id) && engine.claims().holds({ id, directory: engine.directory(id) }, token);
  } catch {
    return false; // no such path, no kind with workers, a run that is being deleted
  }
}
