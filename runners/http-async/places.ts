import { type AnswerHead, single } from '../../src/outbound/answer-head.ts';
import type { JsonText } from '../wire/json.ts';
import type { Place } from './job-record.ts';
import type { JobTools } from './tools.ts';

/** Where news of a job is to be had. */
export interface Places {
  poll: Place | null;
  stream: Place | null;
  /** The backend was told where to say how it ended. */
  callback: boolean;
}

/** The answer to the kickoff, after its redirects. */
export interface Acknowledgement {
  head: AnswerHead;
  /** Who gave it: what it names is seen from there (RFC 9110, 10.2.2). */
  url: URL;
  payload: JsonText;
  /** It came with the completion URL. */
  callback: boolean;
}

/** What it says of that. Throws Error for what is no address, and for a run id that is missing. */
export function placesIn(tools: JobTools, answer: Acknowledgement): Places {
  const { callback } = answer;
  return { poll: pollPlace(tools, answer), stream: streamPlace(tools, answer), callback };
}

function pollPlace({ ctx, backend, job }: JobTools, { head, url: from }: Acknowledgement): Place | null {
  const { poll_url_template: template, poll_run_id_path: path } = ctx.spec;
  if (template !== undefined) {
    const url = backend.place(template, job.runId);
    if (url === null) throw new Error(`kickoff response has no run id at http.poll_run_id_path ${path}`);
    return { url, named: false };
  }
  const location = single(head, 'location')?.trim() ?? '';
  return location === '' ? null : { url: backend.placeNamed(location, from), named: true };
}

function streamPlace({ ctx, backend, job }: JobTools, { payload, url: from }: Acknowledgement): Place | null {
  const { stream_url_path: path, stream_url_template: template } = ctx.spec;
  const address = path === undefined ? undefined : payload.at(path);
  if (typeof address === 'string') return { url: backend.placeNamed(address, from), named: true };
  const url = template === undefined ? null : backend.place(template, job.runId);
  return url && { url, named: false };
}
