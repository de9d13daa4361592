import type { IncomingMessage } from 'node:http';
import { RunwireError } from '../../src/documents/errors.ts';

/** What the request line asks for (RFC 9112, 3.2). */
export interface RequestTarget {
  /** Path and query as they are routed; nothing else of the target has a say in it. */
  path: string;
  /** Of absolute-form: it goes before the Host header. */
  authority: string | null;
  /** `OPTIONS *`: the server as a whole. */
  isServer: boolean;
  /** Why it is refused (bad_request, target_too_long); null: it has one meaning. */
  fault: RunwireError | null;
}

/** In bytes. */
export const MAX_TARGET_LENGTH = 16_384;

/** Origin-form in which nothing needs a second look: no escape, no dot segment, no fragment. */
const PLAIN = /^\/(?!\.)(?:[\w\-~:@!$&'()*+,;=.]|\/(?!\.))*(?:\?[\w\-~:@!$&'()*+,;=./?]*)?$/;
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/is;
const DOT_SEGMENT = /(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i;

/** Only those that are not plain; the others say all themselves. */
const judged = new WeakMap<IncomingMessage, RequestTarget>();

/**
 * Judges the target of a request before it is routed; the path to route. Everything later asks targetOf(), so that
 * what is judged is what was routed.
 */
export function judgeTarget(request: IncomingMessage): string {
  const { url = '/', method = '' } = request;
  if (PLAIN.test(url) && url.length <= MAX_TARGET_LENGTH) return url;
  const target = readTarget(method, url);
  judged.set(request, target);
  return target.path;
}

export function targetOf(request: IncomingMessage): RequestTarget {
  return judged.get(request) ?? { path: request.url ?? '/', authority: null, isServer: false, fault: null };
}

export function readTarget(method: string, raw: string): RequestTarget {
  const refused = (words: string): RequestTarget => {
    const fault = new RunwireError('bad_request', words);
    return { path: '/', authority: null, isServer: false, fault };
  };
  if (raw.length > MAX_TARGET_LENGTH) {
    const fault = new RunwireError('target_too_long', `The target has more than ${MAX_TARGET_LENGTH} bytes.`);
    return { path: '/', authority: null, isServer: false, fault };
  }
  if (raw === '*')
    return method === 'OPTIONS'
      ? { path: '/', authority: null, isServer: true, fault: null }
      : refused('Only OPTIONS may have * as its target.');
  const absolute = ABSOLUTE.exec(raw);
  const authority = absolute?.[1] ?? null;
  const rest = absolute?.[2] ?? raw;
  const path = authority !== null && !rest.startsWith('/') ? `/${rest}` : rest;
  const fault = authority !== null && !isAuthority(authority) ? 'The target names no host.' : faultOf(path);
  if (fault !== null) return refused(fault);
  // RFC 9112, 3.2.4: what a proxy was asked of a whole server.
  const isServer = method === 'OPTIONS' && authority !== null && rest === '';
  return { path, authority, isServer, fault: null };
}

/** A host with or without a port, as in a Host header: no name of a user, no path (RFC 9110, 7.2). */
export function isAuthority(text: string): boolean {
  return /^(?:\[[\da-f:.]+\]|(?:[\w\-.~!$&'()*+,;=]|%[\da-f]{2})+)(?::\d*)?$/i.test(text);
}

/** Each of these would mean one thing to us and another to a proxy, a cache or a list of paths in front of us. */
function faultOf(target: string): string | null {
  if (!target.startsWith('/')) return 'The target must be a path, or begin with http://.';
  if (target.includes('#')) return 'The target must not contain #: write %23 for the character.';
  if (/[^\x21-\x7e]/.test(target)) return 'The target must be ASCII: percent-encode all else.';
  const path = target.split('?', 1)[0] ?? '';
  if (path.includes('\\')) return 'The path must not contain \\: write %5C for the character.';
  if (DOT_SEGMENT.test(path)) return 'The path must not contain . or .. as a segment.';
  if (/%00/.test(path)) return 'The path must not contain NUL.';
  return target.includes('%') && !isEncoded(target) ? 'The target is not percent-encoded UTF-8.' : null;
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
