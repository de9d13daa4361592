import { basename } from 'node:path';
import { type Attributes, attributesOfRun, attributesOfWork } from './attributes.ts';
import { phasesOf, type Span } from './phases.ts';
import type { EndedRun, Ending } from './traced-run.ts';

/** A span as it is told. Times in ms since the epoch, with a fraction. */
export interface SpanFacts {
  name: string;
  span: Span;
  attributes: Attributes;
  events: readonly { name: string; at: number; attributes: Attributes }[];
  /** It calls another service. */
  calls: boolean;
  /** Words of what went wrong; null: nothing. */
  error: string | null;
}

/** A batch of spans is written in one go, and a setup may have a thousand commands. */
const MOST_EVENTS = 20;

/** The span of a run, and those below it. */
export function spansOf(run: EndedRun, ending: Ending): { run: SpanFacts; below: SpanFacts[] } {
  const { status, result, outcome } = ending;
  const { whole, queue, setup, run: work, collect } = phasesOf(run, ending);
  const error = status === 'succeeded' ? null : (result.error_summary ?? status);
  const failedInSetup = setup !== null && (outcome.ended === 'setup_failed' || work === null);
  const calls = run.runner.kind === 'http' || run.runner.kind === 'http_async';
  const below: (SpanFacts | null)[] = [
    plain('queue', queue, run.startedAt === null ? error : null),
    setup && { ...plain('setup', setup, failedInSetup ? error : null), events: stepsOf(setup, ending) },
    work && {
      ...plain('run', work, failedInSetup ? null : error),
      ...{ calls, attributes: attributesOfWork(run, ending) },
    },
    collect && plain('collect', collect, null),
  ];
  return {
    run: {
      ...plain(`run ${run.runner.kind}`, whole, error),
      attributes: attributesOfRun(run, ending),
    },
    below: below.filter((span) => span !== null),
  };
}

const plain = (name: string, span: Span, error: string | null): SpanFacts => ({
  ...{ name, span, error },
  ...{ attributes: {}, events: [], calls: false },
});

/** Each command of a setup when it ended. */
function stepsOf([from, to]: Span, { outcome }: Ending): SpanFacts['events'] {
  let at = from;
  return (outcome.setup ?? []).slice(0, MOST_EVENTS).map(({ command, exit_code: code, signal, ms }) => {
    at = Math.min(at + ms, to);
    return {
      name: 'runwire.setup.command',
      at,
      attributes: {
        'process.executable.name': basename(command[0] ?? ''),
        ...(code !== null && { 'process.exit.code': code }),
        ...(signal !== null && { 'runwire.signal': signal }),
      },
    };
  });
}
