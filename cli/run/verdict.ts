import type { FinishedRecord } from '../../client/runwire.ts';
import { inWords } from '../words/size.ts';

/** What standard output and exit code of a run leave unsaid, a line each. */
export function unsaid({ status, result, outcome }: FinishedRecord): string[] {
  const lost = (['stdout', 'stderr'] as const).flatMap((stream) => {
    const facts = outcome[stream];
    const missing = facts === null ? 0 : facts.bytes - facts.kept;
    return missing > 0 ? [`${inWords(missing)} of ${stream} were not kept: ${facts?.gap?.reason}`] : [];
  });
  const plain = status === 'succeeded' || (outcome.ended === 'exited' && outcome.exit_code !== 0);
  return [...lost, ...(plain ? [] : [`${words(status)}: ${result.error_summary ?? outcome.ended}`])];
}

const words = (status: string): string => status.replace('_', ' ');
