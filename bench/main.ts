import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Installer } from './install.ts';
import { describeMachine, machineLine } from './machine.ts';
import type { Bench } from './part.ts';
import { PARTS } from './parts.ts';
import type { BenchReport } from './report.ts';
import { aimsTable } from './report.ts';
import { asText } from './tables.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    /** Where the figures are written, with those of each round. */
    out: { type: 'string' },
    'data-dir': { type: 'string', default: '.runwire' },
    /** The bench gives up after so long. */
    'limit-minutes': { type: 'string', default: '45' },
    help: { type: 'boolean', default: false },
  },
});
const names = PARTS.map(({ name }) => name);
const unknown = positionals.filter((name) => !names.includes(name));
if (options.help || unknown.length > 0) {
  if (unknown.length > 0) console.error(`there is no part ${unknown.join(', ')}`);
  console.error(
    `npm run bench -- [${names.join('] [')}] [--quick] [--rounds N] [--out FILE] [--data-dir DIRECTORY]`,
  );
  process.exit(options.help ? 0 : 2);
}

// Each server and each client that is started has one.
process.setMaxListeners(100);
const began = new Date();
mkdirSync(options['data-dir'], { recursive: true });
const root = mkdtempSync(resolve(options['data-dir'], 'bench-'));
process.once('exit', () => rmSync(root, { recursive: true, force: true, maxRetries: 3 }));
const say = (line: string) =>
  console.error(`[${((Date.now() - began.getTime()) / 1000).toFixed(0).padStart(4)} s] ${line}`);
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
    report.skipped.push(what);
    say(`skipped: ${what}`);
  },
  say,
};

console.log(machineLine(report.machine));
if (options.quick) console.log('--quick: a smoke, its figures mean nothing');
for (const part of PARTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
  say(part.name);
  const measured = await part.run(bench);
  report.parts[part.name] = measured;
  for (const table of part.tables(measured)) console.log(`\n${asText(table)}`);
  rmSync(join(root, part.name), { recursive: true, force: true });
}
report.seconds = Math.round((Date.now() - began.getTime()) / 1000);
const aims = aimsTable(report);
if (aims) console.log(`\n${asText(aims)}`);
for (const what of report.skipped) console.log(`skipped: ${what}`);
const out = resolve(
  options.out ?? join('bench/results', `${began.toISOString().slice(0, 19).replaceAll(':', '-')}.json`),
);
mkdirSync(dirname(out), { recursive: true });
writeFileSync(out, `${JSON.stringify(report, null, 1)}\n`);
console.log(`\n${report.seconds} s; the figures of each round are in ${out}`);
process.exit();
