import { styleText } from 'node:util';
import type { RunRecord } from '../../client/runwire.ts';
import { visible } from '../process/visible.ts';
import { quoted } from '../run/as-curl.ts';
import { inWords } from '../words/duration.ts';
import { inWords as sizeInWords } from '../words/size.ts';
import { statusOf, tookOf } from './runs.ts';
import { columnsOfOutput, cut } from './table.ts';

/** A run on one screen: what became of it first. */
export function page(record: RunRecord, stream: 'stdout' | 'stderr', lines: readonly string[]): string {
  const { invocation, runtime_kind: kind, result, outcome, environment_spec: spec } = record;
  const labels = Object.entries(invocation.metadata).map(([name, value]) => `${name}=${value}`);
  const facts: [name: string, value: string | null | undefined][] = [
    ['id', invocation.invocation_id],
    ['status', statusOf(record)],
    ['why', result?.error_summary],
    ['retry', outcome?.failure && retryWords(outcome)],
    ['kind', kind],
    ['name', invocation.runtime_name === kind ? null : invocation.runtime_name],
    ['command', invocation.command.map(quoted).join(' ')],
    ['spec', spec && `${spec.name}@${spec.version}`],
    ['directory', invocation.working_directory],
    ['labels', labels.join(' ')],
    ['created', `${record.created_at} (${inWords(Date.now() - Date.parse(record.created_at))} ago)`],
    ['took', tookOf(record)],
    ['output', outcome && `stdout ${bytes(outcome.stdout)}, stderr ${bytes(outcome.stderr)}`],
    ['artifacts', result?.artifacts.map(({ artifact_id: id }) => id).join(' ')],
  ];
  const columns = columnsOfOutput();
  const shown = facts.flatMap(([name, value]) =>
    value ? [`${bold(name.padEnd(10))}${cut(visible(value), columns - 10)}\n`] : [],
  );
  const last = lines.map((line) => `  ${cut(visible(line), columns - 2)}\n`);
  return `${shown.join('')}${last.length === 0 ? '' : `\n${bold(`last lines of ${stream}`)}\n${last.join('')}`}`;
}

const retryWords = ({ failure, retry_safe: safe }: NonNullable<RunRecord['outcome']>): string =>
  failure?.permanent ? 'useless: it would fail again' : safe ? 'safe: it did not begin' : 'it did begin';

const bytes = (facts: { bytes: number } | null): string => (facts === null ? '-' : sizeInWords(facts.bytes));

/** As NO_COLOR, FORCE_COLOR and the terminal say. */
const bold = (text: string): string => styleText('bold', text, { stream: process.stdout });
