import type { RunRecord } from '../../client/runwire.ts';
import { quoted } from '../run/as-curl.ts';
import { inWords } from '../words/duration.ts';
import type { View } from './things.ts';

export const runs: View<RunRecord> = {
  heading: ['ID', 'NAME', 'KIND', 'STATUS', 'AGE', 'TOOK', 'COMMAND'],
  id: ({ invocation }) => invocation.invocation_id,
  cells: (record) => [
    record.invocation.invocation_id,
    record.invocation.runtime_name,
    record.runtime_kind,
    statusOf(record),
    inWords(Date.now() - Date.parse(record.created_at)),
    tookOf(record),
    record.invocation.command.map(quoted).join(' '),
  ],
};

/** With why it waits, or what it ended with. */
export function statusOf({ status, waiting, outcome }: RunRecord): string {
  if (waiting) return `${status} (${waiting.reason})`;
  if (status !== 'failed' || !outcome) return status;
  return `${status} (${outcome.signal ?? (outcome.exit_code === null ? outcome.ended : outcome.exit_code)})`;
}

export function tookOf({ started_at: from, finished_at: to }: RunRecord): string {
  if (from === null) return '-';
  return inWords((to === null ? Date.now() : Date.parse(to)) - Date.parse(from));
}
