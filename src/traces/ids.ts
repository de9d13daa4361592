import { createHmac } from 'node:crypto';
import type { TracedRun } from './traced-run.ts';

/**
 * The trace that a run begins where it is part of none, and its span: the same under every server of the data
 * directory, whose `key` it is, and nobody else's.
 */
export function idsOf({ id, createdAt }: Pick<TracedRun, 'id' | 'createdAt'>, key: Buffer) {
  const digest = createHmac('sha256', key).update(`trace\n${id}\n${createdAt}`).digest('hex');
  return { traceId: digest.slice(0, 32), spanId: digest.slice(32, 48) };
}
