import type { SessionRecord } from '../../client/runwire.ts';
import { COLOUR_OF_STATE } from './colours.ts';
import { facts, pairsOf } from './facts.ts';
import type { View } from './things.ts';
import { ageOf, runsOf, withAge } from './workspaces.ts';

export const sessions: View<SessionRecord> = {
  heading: ['ID', 'KIND', 'STATE', 'SPEC', 'WORKSPACE', 'RUNS', 'USED', 'LABELS'],
  id: ({ session_id: id }) => id,
  cells: (record) => [
    record.session_id,
    record.runtime_kind,
    record.reason === null ? record.state : `${record.state} (${record.reason})`,
    specOf(record) ?? '-',
    record.workspace_id,
    runsOf(record.runs),
    `${ageOf(record.last_used_at)} ago`,
    pairsOf(record.metadata),
  ],
  colour: ({ state }, column) => (column === STATE ? COLOUR_OF_STATE[state] : undefined),
};

const STATE = 2;

export const sessionPage = (record: SessionRecord): string =>
  facts([
    ['id', record.session_id],
    ['state', record.state],
    ['why', record.reason],
    ['trouble', record.trouble],
    ['kind', record.runtime_kind],
    ['spec', specOf(record)],
    ['workspace', `${record.workspace_id}${record.keep_workspace ? ' (stays)' : ''}`],
    ['set up by', record.setup_invocation_id],
    ['generation', record.generation],
    ['ready as', record.ready_snapshot],
    ['checkpoint', record.last_checkpoint],
    ['runs', runsOf(record.runs)],
    ['labels', pairsOf(record.metadata)],
    ['created', withAge(record.created_at)],
    ['used', withAge(record.last_used_at)],
    ['expires', record.expires_at],
  ]);

const specOf = ({ environment_spec: spec }: SessionRecord): string | null =>
  spec && `${spec.name}@${spec.version}`;
