import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Installer } from './install.ts';
import { describeMachine, machineLine } from './machine.ts';
import type { Bench } from './part.ts';
import { PARTS } from './parts.ts';
import { aimsTable, type BenchReport, chartsOf, reportText, tablesOf } from './report.ts';
import { asText } from './tables.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    /** Also the parts that are else run only when they are named. */
    all: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    /** Where the figures are written, with those of each round. */
    out: { type: 'string' },
    'data-dir': { type: 'string', default: '.runwire' },
    /** The bench gives up after so long. */
    'limit-minutes': { type: 'string', default: '45' },
    help: { type: 'boolean', default: false },
  },
});
const unknown = positionals.filter((name) => !PARTS.some((part) => part.name === name));
if (options.help || unknown.length > 0) {
  if (unknown.length > 0) console.error(`there is no part ${unknown.join(', ')}`);
  console.error(`npm run bench -- [PART…] [--all] [--quick] [--rounds N] [--out FILE] [--data-dir DIRECTORY] [--limit-minutes N]
parts: ${PARTS.map(({ name, extra }) => (extra ? `${name} (only when named)` : name)).join(', ')}`);
  process.exit(options.help ? 0 : 2);
}
const chosen = PARTS.filter(({ name, extra }) =>
  positionals.length === 0 ? options.all || !extra : positionals.includes(name),
);

// Each server and each client that is started has one.
process.setMaxListeners(100);
const began = new Date();
const secondsSoFar = () => (Date.now() - began.getTime()) / 1000;
const say = (line: string) => console.error(`[${secondsSoFar().toFixed(0).padStart(4)} s] ${line}`);
mkdirSync(options['data-dir'], { recursive: true });
const root = mkdtempSync(resolve(options['data-dir'], 'bench-'));
process.once('exit', () => rmSync(root, { recursive: true, force: true, maxRetries: 3 }));
setTimeout(() => {
  console.error(`not done after ${options['limit-minutes']} minutes: given up`);
  process.exit(1);
}, Number(options['limit-minutes']) * 60_000).unref();

const report: BenchReport = {
  at: began.toISOString(),
  command: ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' '),
  machine: describeMachine(root),
  rounds: Number(options.rounds ?? (options.quick ? 1 : 5)),
  quick: options.quick,
  seconds: 0,
  skipped: [],
  failed: {},
  parts: {},
};
const bench: Bench = {
  rounds: report.rounds,
  quick: options.quick,
  installer: new Installer(join(root, 'installed'), say),
  directory(name) {
    const made = join(root, name);
    mkdirSync(made, { recursive: true });
    return made;
  },
  skip(what) {
    if (report.skipped.includes(what)) return;
    report.skipped.push(what);
    say(`not measured: ${what}`);
  },
  say,
};
const out = resolve(
  options.out ?? join('bench/results', `${began.toISOString().slice(0, 19).replaceAll(':', '-')}.json`),
);
mkdirSync(dirname(out), { recursive: true });

console.log(machineLine(report.machine));
if (options.quick) console.log('--quick: a smoke, its figures mean nothing');
for (const part of chosen) {
  say(part.name);
  try {
    const measured = await part.run(bench);
    if (measured !== null) report.parts[part.name] = measured;
    for (const table of tablesOf(report, part.name)) console.log(`\n${asText(table)}`);
  } catch (error) {
    report.failed[part.name] = error instanceof Error ? error.message : String(error);
    console.error(error);
  }
  report.seconds = Math.round(secondsSoFar());
  // After each part: what was measured is kept, whatever becomes of the rest.
  writeFileSync(out, reportText(report));
  rmSync(join(root, part.name), { recursive: true, force: true, maxRetries: 3 });
}
for (const [name, chart] of Object.entries(chartsOf(report)))
  writeFileSync(out.replace(/(\.json)?$/, `-${name}.svg`), chart);
console.log(`\n${asText(aimsTable(report))}`);
for (const what of report.skipped) console.log(`not measured: ${what}`);
for (const [name, error] of Object.entries(report.failed))
  console.log(`the part ${name} broke off: ${error}`);
console.log(`\n${report.seconds} s; the figures of each round are in ${out}`);
process.exit(Object.keys(report.failed).length > 0 ? 1 : 0);
