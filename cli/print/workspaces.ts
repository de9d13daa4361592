import type { SnapshotRecord, WorkspaceRecord } from '../../client/runwire.ts';
import { inWords } from '../words/duration.ts';
import { inWords as sizeInWords } from '../words/size.ts';
import { COLOUR_OF_STATE } from './colours.ts';
import { facts, pairsOf } from './facts.ts';
import type { View } from './things.ts';

export const ageOf = (time: string): string => inWords(Date.now() - Date.parse(time));
export const withAge = (time: string): string => `${time} (${ageOf(time)} ago)`;
export const runsOf = ({ running, queued }: { running: number; queued: number }): string =>
  running + queued === 0 ? '-' : `${running} running, ${queued} queued`;

export const workspaces: View<WorkspaceRecord> = {
  heading: ['ID', 'STATE', 'FILES', 'SIZE', 'RUNS', 'USED', 'LABELS'],
  id: ({ workspace_id: id }) => id,
  cells: (record) => [
    record.workspace_id,
    record.state,
    String(record.files),
    sizeInWords(record.bytes),
    runsOf(record.runs),
    `${ageOf(record.last_used_at)} ago`,
    pairsOf(record.metadata),
  ],
  colour: ({ state }, column) => (column === STATE ? COLOUR_OF_STATE[state] : undefined),
};

const STATE = 1;

export const workspacePage = (record: WorkspaceRecord): string =>
  facts([
    ['id', record.workspace_id],
    ['state', record.state],
    ['why', record.reason],
    ['files', `${record.files}, ${sizeInWords(record.bytes)}`],
    ['most', record.max_bytes === null ? null : sizeInWords(record.max_bytes)],
    ['runs', runsOf(record.runs)],
    ['base', record.base_snapshot],
    ['labels', pairsOf(record.metadata)],
    ['created', withAge(record.created_at)],
    ['used', withAge(record.last_used_at)],
    ['expires', record.expires_at],
  ]);

export const snapshots: View<SnapshotRecord> = {
  heading: ['ID', 'WORKSPACE', 'FILES', 'SIZE', 'AGE', 'DIGEST', 'LABELS'],
  id: ({ snapshot_id: id }) => id,
  cells: (record) => [
    record.snapshot_id,
    record.workspace_id,
    String(record.files),
    sizeInWords(record.bytes),
    ageOf(record.created_at),
    record.digest.slice(0, 12),
    pairsOf(record.metadata),
  ],
};
