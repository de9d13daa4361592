import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { writeResults } from '../../bench/documents.ts';
import { PARTS } from '../../bench/parts.ts';
import { type BenchReport, chartsOf, reportText } from '../../bench/report.ts';

const page = readFileSync(new URL('../../docs/benchmarks.md', import.meta.url), 'utf8');
const stated = new URL('../../docs/benchmarks/results.json', import.meta.url);

const report: BenchReport = {
  at: '2026-01-02T03:04:05.000Z',
  command: 'npm run bench',
  machine: {
    cpu: 'a processor',
    cores: 2,
    virtual: true,
    memoryGiB: 24,
    system: 'Debian',
    kernel: '6',
    node: 'v26',
    runwire: '0.1.0',
    loadBefore: '0.00 0.00 0.00',
    dataOn: 'disk',
  },
  rounds: 1,
  quick: false,
  seconds: 600,
  skipped: ['webhook: is not there'],
  failed: {},
  parts: {
    latency: {
      seconds: 2,
      rows: [
        { programs: 50, intervalMs: 100, name: 'SSE', rounds: [{ samples: 9, p50: 1.234, p99: 2, max: 3 }] },
      ],
    },
  },
};

describe('The page of the benchmarks', () => {
  test('has a place for what every part measures', () => {
    for (const name of ['run', 'aims', ...PARTS.map((part) => part.name)])
      expect(page).toMatch(new RegExp(`<!-- bench:${name} -->\n[\\s\\S]*<!-- /bench:${name} -->`));
  });

  test('gets the figures of a run between its marks, and nothing else of it changes', () => {
    const written = writeResults(page, report);
    expect(written).toContain('| 50  SSE | 500 | 1.23 (1.23–1.23) |');
    expect(written).toContain('2026-01-02, `npm run bench`, 1 rounds, 10 minutes.');
    expect(written).toContain('- not measured: webhook: is not there');
    expect(written).toContain('**Aims: 1 of 1 reached**');
    const outside = (text: string) =>
      text.replaceAll(/(<!-- bench:(\w+) -->)[\s\S]*?(<!-- \/bench:\2 -->)/g, '$1$3');
    expect(outside(written)).toBe(outside(page));
    expect(writeResults(written, report)).toBe(written);
  });

  test('must have a place for what was measured', () => {
    expect(() => writeResults('an empty page', report)).toThrow('no place for run');
  });

  // The page is written from the file: a figure that somebody typed would be seen here.
  test('and the charts show the figures of the stated run', () => {
    const run = JSON.parse(readFileSync(stated, 'utf8')) as BenchReport;
    expect(run.quick).toBe(false);
    expect(writeResults(page, run)).toBe(page);
    for (const [name, chart] of Object.entries(chartsOf(run)))
      expect(readFileSync(new URL(`results-${name}.svg`, stated), 'utf8')).toBe(chart);
  });
});

test('The file of a run has the figures with six digits', () => {
  const text = reportText({ ...report, seconds: 1.23456789 });
  expect((JSON.parse(text) as BenchReport).seconds).toBe(1.23457);
});
