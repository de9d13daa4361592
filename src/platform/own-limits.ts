import { readFileSync } from 'node:fs';

/** What the system allows this process of one thing, by its line of /proc/self/limits. Infinity where that cannot be told. */
export function ownLimit(line: string): { soft: number; hard: number } {
  const [, soft, hard] =
    new RegExp(`^${line}\\s+(\\d+|unlimited)\\s+(\\d+|unlimited)`, 'm').exec(limits()) ?? [];
  return { soft: toNumber(soft), hard: toNumber(hard) };
}

/** How many files this process may have open at once. */
export function openFilesLimit(): number {
  return ownLimit('Max open files').soft;
}

function toNumber(limit = 'unlimited'): number {
  return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit);
}

function limits(): string {
  try {
    return readFileSync('/proc/self/limits', 'latin1');
  } catch {
    return '';
  }
}
