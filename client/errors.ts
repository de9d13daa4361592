/** A field that is to blame. `path` is dotted, and empty for the whole body. */
export interface FieldError {
  path: string;
  message: string;
}

interface Facts {
  code: string;
  status?: number | null;
  errors?: readonly FieldError[];
  retryAfterSeconds?: number | null;
  cause?: unknown;
}

/** Whatever goes wrong between here and the server. Decide by the class or by `code`; `message` is for people. */
export class RunwireError extends Error {
  /** One of docs/errors.md, or one of this client: docs/clients/typescript.md lists them. */
  readonly code: string;
  /** Of the HTTP answer; null: there was none. */
  readonly status: number | null;
  readonly errors: readonly FieldError[];
  /** The server says that waiting helps, and how long. */
  readonly retryAfterSeconds: number | null;

  constructor(message: string, { code, status, errors, retryAfterSeconds, cause }: Facts) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.status = status ?? null;
    this.errors = errors ?? [];
    this.retryAfterSeconds = retryAfterSeconds ?? null;
  }
}

/**
 * No answer came, or not all of it. It says nothing of a run: what runs goes on. `unreachable`: nothing was asked of the server.
 * `connection_lost`: what was asked may have been done.
 */
export class ConnectionError extends RunwireError {
  declare readonly code: 'unreachable' | 'connection_lost';
}

/** 401, 403: the token is missing, wrong or not enough, or the server refuses the host or the page. */
export class AccessError extends RunwireError {}
/** 404. */
export class NotFoundError extends RunwireError {}
/** 410: it was there, and is removed or closed. */
export class GoneError extends RunwireError {}
/** 409, 412: it cannot be done as things stand. */
export class ConflictError extends RunwireError {}
/** Any other 4xx: the request is not valid, and `errors` says where. Not sent at all: a name or path that no address can tell (`invalid_name`). */
export class InvalidError extends RunwireError {}
/** 408, 429, 503: not now. `retryAfterSeconds` says when. */
export class BusyError extends RunwireError {}
/** Any other 5xx: the server failed. */
export class ServerError extends RunwireError {}
/** 5xx, not said by Runwire (`gateway_error`): what is before it, a proxy, does not reach it. */
export class GatewayError extends ServerError {}
/** The answer is none that Runwire gives (`unexpected_answer`): is this its address? */
export class ProtocolError extends RunwireError {}
/** Bytes are not those that were meant: `hash_mismatch`, `length_mismatch`, `changed` (on the server, while they were read). */
export class IntegrityError extends RunwireError {}
/** What was to be sent could not be read (`unreadable_source`): a local file that was changed meanwhile, a stream that failed. */
export class SourceError extends RunwireError {}
