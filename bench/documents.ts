import { machineLine } from './machine.ts';
import { PARTS } from './parts.ts';
import { aimsTable, type BenchReport, tablesOf } from './report.ts';
import { asMarkdown } from './tables.ts';

/**
 * The page with what is between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->` written anew from a run: `run`, `aims`,
 * and the parts by their names. Throws when the page has no place for something that was measured.
 */
export function writeResults(page: string, report: BenchReport): string {
  let written = page;
  const sections = new Map(Object.entries(sectionsOf(report)));
  for (const [name, content] of sections) {
    const place = new RegExp(`(<!-- bench:${name} -->\n)[\\s\\S]*?(<!-- /bench:${name} -->)`);
    if (!place.test(written)) throw new Error(`the page has no place for ${name}`);
    written = written.replace(place, (_, begin: string, end: string) => `${begin}\n${content}\n\n${end}`);
  }
  return written;
}

function sectionsOf(report: BenchReport): Record<string, string> {
  const parts = PARTS.filter(({ name }) => report.parts[name] !== undefined);
  return {
    run: runSection(report),
    aims: asMarkdown(aimsTable(report)),
    ...Object.fromEntries(
      parts.map((part) => {
        const charts = Object.keys(part.charts(report.parts[part.name] ?? {}));
        const images = charts.map((name) => `![${name}](benchmarks/results-${name}.svg)`);
        return [part.name, [...images, ...tablesOf(report, part.name).map(asMarkdown)].join('\n\n')];
      }),
    ),
  };
}

function runSection(report: BenchReport): string {
  const { at, command, rounds, seconds, skipped, failed, quick } = report;
  const missing = [
    ...skipped.map((what) => `- not measured: ${what}`),
    ...Object.entries(failed).map(([name, error]) => `- the part ${name} broke off: ${error}`),
  ];
  return [
    `${at.slice(0, 10)}, \`${command}\`, ${rounds} rounds, ${Math.round(seconds / 60)} minutes${quick ? ' (a smoke: its figures mean nothing)' : ''}.`,
    `${machineLine(report.machine)}.`,
    ...(missing.length > 0 ? ['', ...missing] : []),
  ].join('\n');
}
