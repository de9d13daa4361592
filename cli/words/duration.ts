import { InvalidArgumentError } from 'commander';

const SECONDS = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** `30s`, `1h30m`, `250ms`; a bare number is seconds. */
export function seconds(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  if (!/^(\d+(\.\d+)?(ms|[smhd]))+$/.test(text))
    throw new InvalidArgumentError('It is a duration: 30s, 5m, 1h30m.');
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g);
  return [...parts].reduce((sum, [, number, unit]) => sum + Number(number) * SECONDS[unit as 's'], 0);
}

/** As a person reads it: `41ms`, `3.2s`, `2m05s`, `3h07m`, `4d`. */
export function inWords(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))}ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)}s`;
  const all = Math.round(ms / 1000);
  if (all < 60) return `${all}s`;
  if (all < 3600) return `${Math.floor(all / 60)}m${two(all % 60)}s`;
  if (all < 172_800) return `${Math.floor(all / 3600)}h${two(Math.floor(all / 60) % 60)}m`;
  return `${Math.floor(all / 86_400)}d`;
}

const two = (number: number): string => String(number).padStart(2, '0');

/** The moment, in ms since 1970: `5m` ago, or RFC 3339. */
export function moment(text: string, now = Date.now()): number {
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  try {
    return now - seconds(text) * 1000;
  } catch {
    throw new InvalidArgumentError('It is how long ago (5m, 2h), or a moment (2030-01-31T12:00:00Z).');
  }
}
