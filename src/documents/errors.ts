import { shortageOf } from '../platform/shortage.ts';

/**
 * Every error a client can see: its code, the HTTP status and the title of the problem
 * document (RFC 9457). docs/errors.md lists the same table; a test keeps them equal.
 */
export const ERRORS = {
  malformed_json: { status: 400, title: 'The body is not valid JSON' },
  bad_request: { status: 400, title: 'The request is not valid' },
  unauthorized: { status: 401, title: 'A valid token is needed' },
  forbidden_origin: { status: 403, title: 'Requests from other sites are refused' },
  forbidden_host: { status: 403, title: 'The Host header names no allowed host' },
  bad_signature: { status: 403, title: 'The signature of the address is not right' },
  address_expired: { status: 403, title: 'The address is not good any more' },
  not_found: { status: 404, title: 'There is no such resource' },
  invocation_not_found: { status: 404, title: 'There is no such invocation' },
  artifact_not_found: { status: 404, title: 'There is no such artifact' },
  file_not_found: { status: 404, title: 'There is no such file' },
  workspace_not_found: { status: 404, title: 'There is no such workspace' },
  snapshot_not_found: { status: 404, title: 'There is no such snapshot' },
  spec_not_found: { status: 404, title: 'There is no such environment spec' },
  asset_not_found: { status: 404, title: 'There is no such asset' },
  session_not_found: { status: 404, title: 'There is no such session' },
  runtime_not_found: { status: 404, title: 'There is no such runtime' },
  method_not_allowed: { status: 405, title: 'The method is not allowed here' },
  not_acceptable: { status: 406, title: 'None of the accepted media types can be given' },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  invocation_conflict: { status: 409, title: 'The invocation_id is taken by another invocation' },
  workspace_conflict: { status: 409, title: 'The workspace_id is taken by another workspace' },
  snapshot_conflict: { status: 409, title: 'The snapshot_id is taken by another snapshot' },
  snapshot_busy: { status: 409, title: 'The snapshot is still needed' },
  workspace_busy: { status: 409, title: 'Something else goes on in the workspace' },
  file_conflict: { status: 409, title: 'Something else is in the place of the file' },
  workspace_failed: { status: 409, title: 'The workspace could not be filled' },
  session_conflict: { status: 409, title: 'The session_id is taken by another session' },
  session_busy: { status: 409, title: 'Something else goes on in the session' },
  session_failed: { status: 409, title: 'The session could not be set up' },
  asset_in_use: { status: 409, title: 'Something needs the asset' },
  not_finished: { status: 409, title: 'The run has not finished' },
  not_running: { status: 409, title: 'The run is not running' },
  claim_lost: { status: 409, title: 'The claim has been lost' },
  completion_conflict: { status: 409, title: 'The run was completed in another way' },
  no_terminal: { status: 409, title: 'The run has no terminal' },
  stdin_closed: { status: 409, title: 'Standard input is closed' },
  not_supported: { status: 409, title: 'The kind of this run does not support this' },
  invocation_removed: { status: 410, title: 'The invocation was removed' },
  workspace_removed: { status: 410, title: 'The workspace was removed' },
  snapshot_removed: { status: 410, title: 'The snapshot was removed' },
  session_closed: { status: 410, title: 'The session is closed' },
  gone: { status: 410, title: 'The content is no longer kept' },
  precondition_failed: { status: 412, title: 'A precondition of the request does not hold' },
  body_too_large: { status: 413, title: 'The body is too large' },
  target_too_long: { status: 414, title: 'The request target is too long' },
  unsupported_media_type: { status: 415, title: 'The media type of the body is not supported' },
  range_not_satisfiable: { status: 416, title: 'The range cannot be satisfied' },
  invalid_invocation: { status: 422, title: 'The invocation is not valid' },
  invalid_field: { status: 422, title: 'A field of the request is not valid' },
  idempotency_key_conflict: { status: 422, title: 'The Idempotency-Key was used with another body' },
  upgrade_required: { status: 426, title: 'The resource is used over a WebSocket' },
  queue_full: { status: 429, title: 'The queue is full' },
  header_too_large: { status: 431, title: 'The header of the request is too large' },
  internal_error: { status: 500, title: 'The server failed' },
  not_implemented: { status: 501, title: 'The server does not know what the request uses' },
  overloaded: { status: 503, title: 'The server is short of something it needs' },
  draining: { status: 503, title: 'The server is shutting down' },
  version_not_supported: { status: 505, title: 'The version of HTTP is not supported' },
  workspace_full: { status: 507, title: 'The workspace has no room for it' },
  specs_full: { status: 507, title: 'The server keeps no more environment specs' },
  assets_full: { status: 507, title: 'The server keeps no more assets' },
  insufficient_storage: { status: 507, title: 'The storage of the server takes nothing more now' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** One faulty place of a request: `path` is dotted, e.g. `options.limits.cpu_seconds`; `` is the whole body. */
export interface FieldError {
  path: string;
  message: string;
}

/** An error whose words may be shown to a client. */
export class RunwireError extends Error {
  readonly code: ErrorCode;
  readonly errors: FieldError[] | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ErrorCode,
    detail: string,
    extra: { errors?: FieldError[]; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(detail, { cause: extra.cause });
    this.name = 'RunwireError';
    this.code = code;
    this.errors = extra.errors;
    this.retryAfterSeconds = extra.retryAfterSeconds;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}

/** A shortage as a client is told of it; other errors as they are. */
export function toldShortage(error: unknown): unknown {
  const shortage = shortageOf(error);
  if (shortage === null) return error;
  return shortage.of === 'storage'
    ? new RunwireError('insufficient_storage', shortage.words, { retryAfterSeconds: 10, cause: error })
    : new RunwireError('overloaded', shortage.words, { retryAfterSeconds: 1, cause: error });
}
