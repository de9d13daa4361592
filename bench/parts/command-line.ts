import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Aim, Part } from '../part.ts';
import { runwire } from '../peers/runwire.ts';
import { inTurns } from '../rounds.ts';
import { median, ratios } from '../statistics.ts';
import { figure, type Table, withSpread } from '../tables.ts';

interface LineRound {
  seconds: number;
  /** Processor seconds of all that the line started here. */
  cpu: number;
}

interface LineRow {
  what: string;
  name: string;
  /** The name of what it is compared with. */
  base: string;
  rounds: LineRound[];
}

export interface CommandLineReport {
  bytes: number;
  rows: LineRow[];
}

const MIB = 2 ** 20;
const LIMIT_MS = 120_000;
const BIN = resolve(import.meta.dirname, '../../bin/runwire.js');
const READER = resolve(import.meta.dirname, '../clients/output.ts');
const JSON_HEADER = "-H 'content-type: application/json'";
const LEAST = 0.7;

/** The command line and the client, each a new process, beside curl. */
export const commandLine: Part<CommandLineReport> = {
  name: 'command-line',
  async run(bench) {
    const bytes = (bench.quick ? 16 : 1024) * MIB;
    const directory = bench.directory('command-line');
    const server = await runwire(join(directory, 'data'), join(directory, 'runwire.log'));
    try {
      const url = `http://127.0.0.1:${server.port}`;
      const variables = { ...process.env, RUNWIRE_URL: url, URL: url, NODE: process.execPath, BIN, READER };
      const line = (script: string): Promise<LineRound> => timed(script, { ...variables, RUNWIRE_TOKEN: '' });
      const id = 'read-by-the-bench';
      const command = ['head', '-c', String(bytes), '/dev/zero'];
      await fetch(`${url}/invocations?wait=60`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ invocation_id: id, runtime_kind: 'subprocess', command }),
      });
      const rows: LineRow[] = [];
      for (const { what, sides } of subjects(id, command)) {
        bench.say(`command-line: ${what}`);
        for (const { script } of sides) await line(script); // what is compiled is kept, and all is in the page cache
        const base = sides[0]?.name ?? '';
        for (const [{ name }, rounds] of await inTurns(sides, bench.rounds, ({ script }) => line(script)))
          rows.push({ what, name, base, rounds });
      }
      return { bytes, rows };
    } finally {
      await server.stop();
    }
  },
  tables,
  aims,
};

function subjects(id: string, command: string[]) {
  const body = (words: string[]) => JSON.stringify({ runtime_kind: 'subprocess', command: words });
  const read = `curl -sN "$URL/invocations/${id}/stdout?follow=true"`;
  const submitted = `id=$(curl -s "$URL/invocations" ${JSON_HEADER} -d '${body(command)}' | grep -o '"invocation_id":"[^"]*"' | head -1 | cut -d '"' -f 4)`;
  return [
    {
      what: 'a finished run',
      sides: [
        { name: 'curl | cat', script: `${read} | cat >/dev/null` },
        { name: 'runwire attach | cat', script: `"$NODE" "$BIN" attach ${id} | cat >/dev/null` },
        { name: 'the client, no pipe', script: `"$NODE" "$READER" ${id}` },
      ],
    },
    {
      what: 'a finished run, hashed',
      sides: [
        { name: 'curl | sha256sum', script: `${read} | sha256sum` },
        { name: 'runwire attach | sha256sum', script: `"$NODE" "$BIN" attach ${id} | sha256sum` },
      ],
    },
    {
      what: 'a run from its start, hashed',
      sides: [
        {
          name: 'curl, curl | sha256sum',
          script: `${submitted}; curl -sN "$URL/invocations/$id/stdout?follow=true" | sha256sum`,
        },
        { name: 'runwire run | sha256sum', script: `"$NODE" "$BIN" run -- ${command.join(' ')} | sha256sum` },
      ],
    },
    {
      what: 'true',
      sides: [
        {
          name: 'curl, wait=30',
          script: `curl -so /dev/null "$URL/invocations?wait=30" ${JSON_HEADER} -d '${body(['true'])}'`,
        },
        { name: 'runwire run -- true', script: '"$NODE" "$BIN" run -- true' },
        { name: 'node -e 0', script: '"$NODE" -e 0' },
      ],
    },
  ];
}

/** `times` tells user and system time of the shell's children on its second line: `0m1.500s 0m0.250s`. */
async function timed(script: string, env: NodeJS.ProcessEnv): Promise<LineRound> {
  const begin = performance.now();
  const whole = `set -e -o pipefail\n${script} >/dev/null\ntimes`;
  const { stdout } = await promisify(execFile)('bash', ['-c', whole], { env, timeout: LIMIT_MS });
  const seconds = (performance.now() - begin) / 1000;
  const parts =
    stdout
      .trim()
      .split('\n')
      .at(-1)
      ?.matchAll(/(\d+)m([\d.]+)s/g) ?? [];
  const cpu = [...parts].reduce((sum, [, minutes, rest]) => sum + 60 * Number(minutes) + Number(rest), 0);
  return { seconds, cpu };
}

const of = (row: LineRow | undefined, key: keyof LineRound) => row?.rounds.map((round) => round[key]) ?? [];
const baseOf = ({ rows }: CommandLineReport, { what, base }: LineRow) =>
  rows.find((row) => row.what === what && row.name === base);
/** How fast it is, where curl is 1. */
const speed = (report: CommandLineReport, row: LineRow) =>
  ratios(of(baseOf(report, row), 'seconds'), of(row, 'seconds'));

function tables(report: CommandLineReport): Table[] {
  return [
    {
      title: `The command line, ${report.bytes / MIB} MiB of zero bytes`,
      notes: [
        `Median of ${report.rows[0]?.rounds.length} rounds, in turns, each a new process; the speed beside curl round by round, with the least and the most.`,
        'CPU is processor seconds of the line with all that it starts here; the server is not in it.',
      ],
      columns: ['what  by', 's', 'CPU', 'speed beside curl'],
      rows: report.rows.map((row) => [
        `${row.what}: ${row.name}`,
        median(of(row, 'seconds')).toFixed(2),
        figure(median(of(row, 'cpu'))),
        withSpread(speed(report, row)),
      ]),
    },
  ];
}

function aims(report: CommandLineReport): Aim[] {
  return report.rows.flatMap((row) => {
    if (!row.name.startsWith('runwire') || row.what === 'true') return [];
    const ratio = speed(report, row);
    return [
      {
        aim: `${row.what}: ${row.name} ≥ ${LEAST} of curl`,
        measured: withSpread(ratio),
        reached: ratio.median >= LEAST,
      },
    ];
  });
}
