import { GoneError, NotFoundError, type RunRecord, type Runwire } from '../../client/runwire.ts';
import { visible } from '../process/visible.ts';
import { serverNow } from '../process/watched-fetch.ts';
import { quoted } from '../run/as-curl.ts';
import { inWords } from '../words/duration.ts';
import { COLOUR_OF } from './colours.ts';
import type { View } from './things.ts';
import type { Watched } from './watch.ts';

const [NAME, KIND, STATUS, TOOK] = [1, 2, 3, 5];

export const runs: View<RunRecord> = {
  heading: ['ID', 'NAME', 'KIND', 'STATUS', 'AGE', 'TOOK', 'COMMAND'],
  id: ({ invocation }) => invocation.invocation_id,
  cells: (record) => [
    record.invocation.invocation_id,
    record.invocation.runtime_name,
    record.runtime_kind,
    statusOf(record),
    inWords(serverNow() - Date.parse(record.created_at)),
    tookOf(record),
    record.invocation.command.map(quoted).join(' '),
  ],
  droppable: [KIND, NAME, TOOK],
  colour: ({ status }, column) => (column === STATUS ? COLOUR_OF[status] : undefined),
};

/** The same as they change. */
export const watchedRuns = (rw: Runwire, look: () => Promise<RunRecord[]>): Watched<RunRecord> => ({
  view: runs,
  look,
  stateOf: ({ status, waiting }) => `${status} ${waiting?.reason}`,
  lineOf: (record) => {
    const { invocation_id: id, runtime_name: name, command } = record.invocation;
    return [id, statusOf(record), name, command.map(quoted).join(' ')].map(visible).join('\t');
  },
  isOver: ({ result }) => result !== null,
  again: ({ invocation }) =>
    rw
      .attach(invocation.invocation_id)
      .refresh()
      .catch((error) => {
        if (error instanceof NotFoundError || error instanceof GoneError) return null;
        throw error;
      }),
});

/** With why it waits, or what it ended with. */
export function statusOf({ status, waiting, outcome }: RunRecord): string {
  if (waiting) return `${status} (${waiting.reason})`;
  if (status !== 'failed' || !outcome) return status;
  return `${status} (${outcome.signal ?? (outcome.exit_code === null ? outcome.ended : outcome.exit_code)})`;
}

export function tookOf({ started_at: from, finished_at: to }: RunRecord): string {
  if (from === null) return '-';
  return inWords((to === null ? serverNow() : Date.parse(to)) - Date.parse(from));
}
