import { join } from 'node:path';
import { type Client, startClient } from '../client.ts';
import type { LoadPlan, LoadReport } from '../clients/load.ts';
import { fillHistory, recordId } from '../history-records.ts';
import type { Aim, Part } from '../part.ts';
import { httpRequest } from '../peer.ts';
import { type RunwireServer, runwire } from '../peers/runwire.ts';
import { residentBytes } from '../resident.ts';
import { inTurns } from '../rounds.ts';
import { median, percentile, spread } from '../statistics.ts';
import { megabytes, type Table, withSpread } from '../tables.ts';

/** p50 and p99 of one kind of request in each round, ms. */
interface Latencies {
  name: string;
  rounds: { p50: number; p99: number }[];
}

export interface HistoryReport {
  records: number;
  /** Seconds from the start of the process until it listens, in each round; and its resident bytes then. */
  emptyStart: number[];
  start: number[];
  resident: number[];
  /** Events of the old run that is resumed in its middle. */
  events: number;
  requests: Latencies[];
}

const PAGE = 50;
/** A line, a hundred times a second, each an event. */
const OLD_STREAM = 'i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo "line $i"; sleep 0.01; done';

/** A server with many finished records: how it starts, lists and finds, and how the stream of an old run is resumed. */
export const history: Part<HistoryReport> = {
  name: 'history',
  async run(bench) {
    const records = bench.quick ? 5000 : 100_000;
    const directory = bench.directory('history');
    const data = join(directory, 'data');
    const start = async (dataDir: string) => {
      const begin = performance.now();
      const server = await runwire(dataDir, join(directory, 'runwire.log'));
      return { server, seconds: (performance.now() - begin) / 1000 };
    };
    const client = startClient(join(import.meta.dirname, '../clients/load.ts'));
    try {
      const { server: first } = await start(data);
      const stream = await finishedRun(first, ['/bin/sh', '-c', OLD_STREAM]);
      const template = await finishedRun(first, ['/bin/true']);
      const events = (await eventsOf(first, stream, 0)).length;
      await first.stop();
      bench.say(`history: ${records} records`);
      await fillHistory(data, template, records);

      const report: HistoryReport = {
        ...{ records, events, emptyStart: [], start: [], resident: [], requests: [] },
      };
      const told = (name: string, p50: number, p99: number) => {
        const known = report.requests.find((each) => each.name === name);
        if (known) known.rounds.push({ p50, p99 });
        else report.requests.push({ name, rounds: [{ p50, p99 }] });
      };
      bench.say('history: rounds');
      let round = 0;
      await inTurns([null, data], bench.rounds, async (dataDir) => {
        const { server, seconds } = await start(dataDir ?? join(directory, `empty-${round++}`));
        try {
          if (dataDir === null) return report.emptyStart.push(seconds);
          report.start.push(seconds);
          report.resident.push(residentBytes(server.pid));
          const names = await requestsOf(server, records);
          for (const [name, { paths, expect }] of Object.entries(names)) {
            const { p50, p99 } = await ask(client, server, paths, expect, bench.quick ? 0.2 : 1);
            told(name, p50, p99);
          }
          const resumed = await resume(server, stream, events, bench.quick ? 5 : 50);
          told('resume an old stream in its middle', percentile(resumed, 0.5), percentile(resumed, 0.99));
          return 0;
        } finally {
          await server.stop();
        }
      });
      return report;
    } finally {
      client.stop();
    }
  },
  tables,
  aims,
};

const originOf = ({ port }: RunwireServer) => `http://127.0.0.1:${port}`;

/** The id of a run that has succeeded. */
async function finishedRun(server: RunwireServer, command: string[]): Promise<string> {
  const answer = await fetch(`${originOf(server)}/invocations?wait=30`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ runtime_kind: 'subprocess', command }),
  });
  const record = (await answer.json()) as { status: string; invocation: { invocation_id: string } };
  if (record.status !== 'succeeded') throw new Error(`the run ended as ${record.status}`);
  return record.invocation.invocation_id;
}

/** The seq of each event after `after`, to the end. */
async function eventsOf(server: RunwireServer, id: string, after: number): Promise<number[]> {
  const headers = { accept: 'application/x-ndjson', 'last-event-id': String(after) };
  const text = await (await fetch(`${originOf(server)}/invocations/${id}/events`, { headers })).text();
  return text
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { seq: number }).seq);
}

/** Milliseconds of each of so many resumptions in the middle, to the last event. */
async function resume(server: RunwireServer, id: string, events: number, times: number): Promise<number[]> {
  const after = Math.floor(events / 2);
  const took: number[] = [];
  for (let time = 0; time < times; time++) {
    const begin = performance.now();
    const got = await eventsOf(server, id, after);
    took.push(performance.now() - begin);
    if (got.length !== events - after || got.some((seq, index) => seq !== after + index + 1))
      throw new Error(`resumed after ${after} of ${events}: got ${got.length} events`);
  }
  return took;
}

/** What is asked, by name: the paths, in turn, and what each right answer has in it. */
async function requestsOf(server: RunwireServer, records: number) {
  const newest = recordId(records - 1);
  const ids = Array.from({ length: 1000 }, (_, index) => recordId((index * 7919) % records));
  // Half way down the list.
  let cursor = '';
  for (let page = 0; page < records / 2 / 1000; page++) {
    const answer = await fetch(`${originOf(server)}/invocations?limit=1000${cursor}`);
    const { next_cursor: next } = (await answer.json()) as { next_cursor: string };
    cursor = `&cursor=${encodeURIComponent(next)}`;
  }
  return {
    [`list the ${PAGE} newest`]: { paths: [`/invocations?limit=${PAGE}`], expect: newest },
    [`list ${PAGE} from the middle`]: { paths: [`/invocations?limit=${PAGE}${cursor}`], expect: 'past-' },
    [`list the ${PAGE} newest that failed`]: {
      paths: [`/invocations?limit=${PAGE}&status=failed`],
      expect: recordId(records - 10),
    },
    'get a record by id': { paths: ids.map((id) => `/invocations/${id}`), expect: '"status":' },
  };
}

function ask(
  client: Client,
  { port }: RunwireServer,
  paths: readonly string[],
  expect: string,
  seconds: number,
) {
  const requests = paths.map((path) => httpRequest(port, path));
  const plan: LoadPlan = { port, requests, expect, connections: 1, seconds, limit: 2000 };
  return client.ask<LoadReport>(plan, 60);
}

function tables({ records, emptyStart, start, resident, events, requests }: HistoryReport): Table[] {
  const count = records.toLocaleString('en-US');
  return [
    {
      title: `${count} finished records`,
      notes: [
        `Median of ${start.length} rounds, with the least and the most; a new server in each. Requests one after the other.`,
        `The old stream is the first run, of ${events} events. Resident memory at the start: ${megabytes(median(resident))} MB.`,
      ],
      columns: ['', 'p50', 'p99'],
      rows: [
        ['start until it listens, empty, s', withSpread(spread(emptyStart)), '–'],
        [`start until it listens, ${count} records, s`, withSpread(spread(start)), '–'],
        ...requests.map(({ name, rounds }) => [
          `${name}, ms`,
          withSpread(spread(rounds.map(({ p50 }) => p50))),
          withSpread(spread(rounds.map(({ p99 }) => p99))),
        ]),
      ],
    },
  ];
}

function aims({ records, start, requests }: HistoryReport): Aim[] {
  const count = records.toLocaleString('en-US');
  const seconds = median(start);
  return [
    {
      aim: `${count} records: the server listens in < 2 s`,
      measured: `${seconds.toFixed(2)} s`,
      reached: seconds < 2,
    },
    ...requests
      .filter(({ name }) => !name.startsWith('resume'))
      .map(({ name, rounds }) => {
        const p50 = median(rounds.map((round) => round.p50));
        return {
          aim: `${count} records, ${name}: p50 < 5 ms`,
          measured: `${p50.toFixed(2)} ms`,
          reached: p50 < 5,
        };
      }),
  ];
}
