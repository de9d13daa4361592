import type { RunRecord } from '../../client/runwire.ts';
import { visible } from '../process/visible.ts';
import { serverNow } from '../process/watched-fetch.ts';
import { cut, wrap } from '../process/width.ts';
import { quoted } from '../run/as-curl.ts';
import { waitingWords } from '../run/waiting.ts';
import { inWords } from '../words/duration.ts';
import { inWords as sizeInWords } from '../words/size.ts';
import { bold, COLOUR_OF, coloured } from './colours.ts';
import { statusOf, tookOf } from './runs.ts';
import { columnsOfOutput } from './table.ts';

type Usage = NonNullable<NonNullable<RunRecord['outcome']>['usage']>;

/** Lines of a screen, the last of which is for the next command. */
const LINES = 23;
const NAME = 10;

/** Facts that may need more than a line have so many. */
const LONG: { readonly [name: string]: number } = { why: 3, command: 2 };

/** A run on one screen: what became of it first. `last`: the lines that it wrote last, of what `of` names. */
export function page(record: RunRecord, of: string, last: readonly string[]): string {
  const { invocation, runtime_kind: kind, result, outcome, environment_spec: spec } = record;
  const labels = Object.entries(invocation.metadata).map(([name, value]) => `${name}=${value}`);
  const facts: [name: string, value: string | null | undefined][] = [
    ['id', invocation.invocation_id],
    ['status', statusOf(record)],
    ['why', result?.error_summary],
    ['retry', outcome?.failure && retryWords(outcome)],
    ['waits', record.waiting && waitingWords(record.waiting)],
    ['kind', kind],
    ['name', invocation.runtime_name === kind ? null : invocation.runtime_name],
    ['command', invocation.command.map(quoted).join(' ')],
    ['spec', spec && `${spec.name}@${spec.version}`],
    ['directory', invocation.working_directory],
    ['labels', labels.join(' ')],
    ['created', `${record.created_at} (${inWords(serverNow() - Date.parse(record.created_at))} ago)`],
    ['took', tookOf(record)],
    ['output', outcome && `stdout ${bytes(outcome.stdout)}, stderr ${bytes(outcome.stderr)}`],
    ['used', outcome?.usage && usageWords(outcome.usage)],
    ['artifacts', result?.artifacts.map(({ artifact_id: id }) => id).join(' ')],
  ];
  const columns = columnsOfOutput();
  const lines = facts.flatMap(([name, value]) => {
    if (!value) return [];
    const parts = wrap(visible(value), columns - NAME, LONG[name] ?? 1);
    const colour = name === 'status' ? COLOUR_OF[record.status] : name === 'why' ? 'red' : null;
    return parts.map(
      (part, at) => bold((at === 0 ? name : '').padEnd(NAME)) + (colour ? coloured(colour, part) : part),
    );
  });
  const room = Math.max(1, LINES - 2 - lines.length);
  const shown = last.slice(-room).map((line) => `  ${cut(visible(line), columns - 2)}`);
  if (shown.length > 0) lines.push('', bold(`last lines of ${of}`), ...shown);
  return `${lines.join('\n')}\n`;
}

const retryWords = ({ failure, retry_safe: safe }: NonNullable<RunRecord['outcome']>): string =>
  failure?.permanent ? 'useless: it would fail again' : safe ? 'safe: it did not begin' : 'it did begin';

const usageWords = ({ cpu_user_ms: user, cpu_system_ms: system, max_rss_bytes: memory }: Usage): string =>
  `${inWords(user + system)} of CPU${memory === null ? '' : `, ${sizeInWords(memory)} of memory at most`}`;

const bytes = (facts: { bytes: number } | null): string => (facts === null ? '-' : sizeInWords(facts.bytes));
