import {
  AccessError,
  BusyError,
  ConflictError,
  type FieldError,
  GatewayError,
  GoneError,
  InvalidError,
  NotFoundError,
  ProtocolError,
  type RunwireError,
  ServerError,
} from './errors.ts';
import type { Answer } from './fetch.ts';
import { retryAfterSeconds } from './retry-after.ts';

const CLASSES: { readonly [status: number]: typeof RunwireError } = {
  ...{ 401: AccessError, 403: AccessError, 404: NotFoundError, 410: GoneError },
  ...{ 409: ConflictError, 412: ConflictError },
  ...{ 408: BusyError, 429: BusyError, 503: BusyError },
};

interface Problem {
  code: string;
  title: string;
  detail?: unknown;
  errors?: FieldError[];
}

/** The error that an answer which is no success stands for. What is no problem document was not said by Runwire. */
export function errorOf(response: Answer, body: string): RunwireError {
  const { status } = response;
  if (status < 400) {
    const where = response.headers.get('location');
    const words = where ? `a redirect to ${where}` : `status ${status}`;
    return new ProtocolError(`the answer is ${words}: this is not the address of a Runwire server`, {
      ...{ code: 'unexpected_answer', status },
    });
  }
  const after = retryAfterSeconds(response.headers.get('retry-after'));
  const problem = problemOf(response, body);
  if (problem === null && status >= 500)
    return new GatewayError(`something before the server answers ${status}`, {
      ...{ code: 'gateway_error', status, retryAfterSeconds: after },
    });
  const Class = CLASSES[status] ?? (status >= 500 ? ServerError : InvalidError);
  if (problem === null) return new Class(`the answer is ${status}`, { code: `http_${status}`, status });
  const { code, title, detail, errors } = problem;
  const message = typeof detail === 'string' ? detail : title;
  return new Class(message, { code, status, errors: errors ?? [], retryAfterSeconds: after });
}

function problemOf(response: Answer, body: string): Problem | null {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json')) return null;
  try {
    const value: Partial<Problem> | null = JSON.parse(body);
    return typeof value?.code === 'string' && typeof value.title === 'string' ? (value as Problem) : null;
  } catch {
    return null; // cut short, or not of Runwire
  }
}
