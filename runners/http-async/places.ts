import type { AnswerHead } from '../wire/client.ts';
import { valueAt } from '../wire/json.ts';
import type { Place } from './job-record.ts';
import type { JobTools } from './tools.ts';

/** Where news of a job is to be had. */
export interface Places {
  poll: Place | null;
  stream: Place | null;
}

/** What the answer to the kickoff says of that. Throws Error for what is no address, and for a run id that is missing. */
export function placesIn(tools: JobTools, head: AnswerHead, document: unknown): Places {
  return { poll: pollPlace(tools, head), stream: streamPlace(tools, document) };
}

function pollPlace({ ctx, backend, job }: JobTools, { headers: { location } }: AnswerHead): Place | null {
  const { poll_url_template: template, poll_run_id_path: path } = ctx.spec;
  if (template !== undefined) {
    const url = backend.place(template, job.runId);
    if (url === null) throw new Error(`kickoff response has no run id at http.poll_run_id_path ${path}`);
    return { url, named: false };
  }
  return location === undefined ? null : { url: backend.placeNamed(location), named: true };
}

function streamPlace({ ctx, backend, job }: JobTools, document: unknown): Place | null {
  const { stream_url_path: path, stream_url_template: template } = ctx.spec;
  const address = path === undefined ? undefined : valueAt(document, path);
  if (typeof address === 'string') return { url: backend.placeNamed(address), named: true };
  const url = template === undefined ? null : backend.place(template, job.runId);
  return url && { url, named: false };
}
