import { linksOf } from '../documents/record.ts';
import type { Status } from '../documents/result.ts';
import type { Waiting } from '../documents/waiting.ts';

/** What a record is made of. Documents are JSON text; times in ms since the epoch. */
export interface RecordParts {
  id: string;
  /** In this server's word. */
  runtimeKind: string;
  status: Status;
  createdAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  invocation: string;
  result: string | null;
  outcome: string | null;
  delivery: string | null;
  /** JSON; null for most runs. */
  environmentSpec: string | null;
}

/** A record as one line of JSON: stored documents are put in as they are. `waiting`: what it waits for now. */
export function recordJson(parts: RecordParts, waiting: Waiting | null = null): string {
  const time = (ms: number | null): string => (ms === null ? 'null' : `"${new Date(ms).toISOString()}"`);
  const delivery = parts.delivery === null ? '' : `"on_finish":${parts.delivery},`;
  const spec = parts.environmentSpec === null ? '' : `"environment_spec":${parts.environmentSpec},`;
  const waits = waiting === null ? '' : `"waiting":${JSON.stringify(waiting)},`;
  return (
    `{"invocation":${parts.invocation},"runtime_kind":${JSON.stringify(parts.runtimeKind)},"status":"${parts.status}","created_at":${time(parts.createdAt)},` +
    `"started_at":${time(parts.startedAt)},"finished_at":${time(parts.finishedAt)},` +
    `"result":${parts.result ?? 'null'},"outcome":${parts.outcome ?? 'null'},${spec}${waits}${delivery}` +
    `"links":${JSON.stringify(linksOf(parts.id))}}`
  );
}
