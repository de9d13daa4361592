import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeResults } from './documents.ts';
import { type BenchReport, chartsOf } from './report.ts';

/** `npm run bench:docs`: writes tables and charts of the stated run into the documents. */
const documents = join(import.meta.dirname, '../docs');
const page = join(documents, 'benchmarks.md');
const report = JSON.parse(readFileSync(join(documents, 'benchmarks/results.json'), 'utf8')) as BenchReport;
writeFileSync(page, writeResults(readFileSync(page, 'utf8'), report));
for (const [name, chart] of Object.entries(chartsOf(report)))
  writeFileSync(join(documents, 'benchmarks', `results-${name}.svg`), chart);
