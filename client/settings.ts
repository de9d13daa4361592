import type { Fetch } from './fetch.ts';

/** How to reach a server. What is not given is taken from the environment, where there is one. */
export interface RunwireOptions {
  /** Default: RUNWIRE_URL, else http://127.0.0.1:7070. May have a path, where a proxy has the server below one. */
  url?: string | undefined;
  /** Default: RUNWIRE_TOKEN, else none. */
  token?: string | undefined;
  /** Default: the global one. */
  fetch?: Fetch | undefined;
  /** How long a call that may be repeated is repeated while the server is away or busy. Default 60. */
  retrySeconds?: number | undefined;
  /** How long events, output and wait() go on asking a server that is away. Default: for ever. */
  resumeSeconds?: number | undefined;
  /** A connection on which nothing comes for so long is given up, and another made. More than the 15 s of the server's heartbeat. Default 45. */
  idleSeconds?: number | undefined;
  /** How long an answer may take to begin, beyond what it was asked to wait. Default 60. */
  answerSeconds?: number | undefined;
}

export interface Settings {
  /** Without a slash at the end. */
  readonly url: string;
  readonly token: string | null;
  readonly fetch: Fetch;
  readonly retrySeconds: number;
  readonly resumeSeconds: number;
  readonly idleSeconds: number;
  readonly answerSeconds: number;
}

/** Throws TypeError for what is no address or no number of seconds. */
export function readSettings(options: RunwireOptions, environment = processEnvironment()): Settings {
  const url = new URL(options.url ?? (environment.RUNWIRE_URL || 'http://127.0.0.1:7070'));
  if (!/^https?:$/.test(url.protocol)) throw new TypeError(`url must be http or https, and is ${url.href}`);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new TypeError('url must have no user, password, query or fragment');
  const token = (options.token ?? environment.RUNWIRE_TOKEN) || null;
  if (token !== null && !/^[\x21-\x7e\x80-\xff]+$/.test(token))
    throw new TypeError(
      'token has a character that no header can have: a space, a line break, or one beyond Latin-1',
    );
  return {
    url: url.href.replace(/\/+$/, ''),
    token,
    fetch: options.fetch ?? ((...asked) => globalThis.fetch(...asked)),
    retrySeconds: seconds('retrySeconds', options.retrySeconds ?? 60),
    resumeSeconds: seconds('resumeSeconds', options.resumeSeconds ?? Number.POSITIVE_INFINITY),
    idleSeconds: seconds('idleSeconds', options.idleSeconds ?? 45),
    answerSeconds: seconds('answerSeconds', options.answerSeconds ?? 60),
  };
}

function seconds(name: string, value: number): number {
  if (typeof value !== 'number' || !(value >= 0))
    throw new TypeError(`${name} must be a number of seconds, and is ${value}`);
  return value;
}

/** A browser has none. */
function processEnvironment(): { [name: string]: string | undefined } {
  const { process } = globalThis as { process?: { env?: { [name: string]: string | undefined } } };
  return process?.env ?? {};
}
