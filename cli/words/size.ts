import { InvalidArgumentError } from 'commander';

const UNITS = {
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
} as const;

/** Bytes: `1000`, `10MB`, `64KiB`. */
export function bytes(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(?:([kmgt]i?)?b?)$/i.exec(text) ?? [];
  if (number === undefined) throw new InvalidArgumentError('It is a size: 1000, 10MB, 64KiB.');
  return Math.round(Number(number) * (unit === undefined ? 1 : UNITS[unit.toLowerCase() as 'k']));
}

/** As a person reads it: `17 B`, `1.5 MB`. */
export function inWords(count: number): string {
  if (count < 1000) return `${count} B`;
  const power = Math.min(4, Math.floor(Math.log10(count) / 3));
  return `${(count / 1000 ** power).toFixed(1)} ${'kMGT'[power - 1]}B`;
}
