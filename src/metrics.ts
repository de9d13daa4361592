import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { PLACES, type Places } from './documents/places.ts';
import { RECOVERED, type Recovered } from './documents/recovery-state.ts';
import type { FinalStatus } from './documents/result.ts';
import { WAITING_REASONS, type WaitingReason } from './documents/waiting.ts';

/** What the engine tells of a run that is over. */
export interface RunTally {
  kind: string;
  status: FinalStatus;
  /** From running to finished; 0 when it never ran. */
  seconds: number;
  /** Bytes written by the program to both streams. */
  outputBytes: number;
}

/** What is asked at the moment of a scrape. */
export interface LiveNumbers {
  running: number;
  queued: number;
  openStreams: number;
  /** Runs of an earlier server that are still being looked for. */
  recovering: number;
  places: { [Sort in Places]: { all: number; taken: number } };
  /** Runs that wait, by what for. */
  waiting: { [Reason in WaitingReason]: number };
  /** Null: not known. */
  finished: { count: number; bytes: number } | null;
  disk: { total: number; free: number } | null;
}

/** What is in force, for who watches how near it is. Null: no bound. */
export interface Limits {
  outputBytes: number;
  retention: { seconds: number | null; count: number | null; bytes: number | null };
}

export interface Metrics {
  runFinished(run: RunTally): void;
  /** A client took nothing of what waited for it, for too long. */
  clientStalled(): void;
  /** What became of a run that an earlier server left unfinished. */
  runRecovered(how: Recovered): void;
  /** Spans of traces, by what became of them. */
  spansEnded(how: string, count: number): void;
  /** All numbers in the Prometheus text format. */
  scrape(live: LiveNumbers): Promise<string>;
  readonly contentType: string;
  /** Stops the event-loop monitor. */
  close(): void;
}

const DURATION_BUCKETS = [0.005, 0.02, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400];
const LAG_RESOLUTION_MS = 20;

/** The numbers of one server, which runs `kinds`, in a registry of their own. Words a client made up do not become labels. */
export function createMetrics(kinds: Iterable<string>, limits: Limits): Metrics {
  const labels = new Set(kinds);
  const registry = new Registry();
  const registers = [registry];
  const runs = new Counter({
    name: 'runwire_runs_total',
    help: 'Finished runs',
    labelNames: ['kind', 'status'],
    registers,
  });
  const durations = new Histogram({
    name: 'runwire_run_duration_seconds',
    help: 'Time from start to finish of runs',
    labelNames: ['kind'],
    buckets: DURATION_BUCKETS,
    registers,
  });
  const output = new Counter({
    name: 'runwire_output_bytes_total',
    help: 'Bytes that finished runs wrote to stdout and stderr, those of their setup too',
    registers,
  });
  const recovered = new Counter({
    name: 'runwire_recovered_runs_total',
    help: 'Runs that an earlier server left unfinished, by what became of them',
    labelNames: ['how'],
    registers,
  });
  for (const how of RECOVERED) recovered.inc({ how }, 0);
  const stalled = new Counter({
    name: 'runwire_stalled_clients_total',
    help: 'Clients dropped because they took nothing of what waited for them',
    registers,
  });
  const spans = new Counter({
    name: 'runwire_trace_spans_total',
    help: 'Spans of traces, by what became of them',
    labelNames: ['how'],
    registers,
  });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const gaugeBy = <Label extends string>(label: Label, name: string, help: string) =>
    new Gauge({ name, help, labelNames: [label], registers });
  const running = gauge('runwire_runs_running', 'Runs running now');
  const queued = gauge('runwire_queue_depth', 'Runs waiting for a place');
  const waiting = gaugeBy('reason', 'runwire_runs_waiting', 'Runs waiting now, by what for');
  const places = gaugeBy('of', 'runwire_places', 'Runs that may go on at once');
  const taken = gaugeBy('of', 'runwire_places_taken', 'Runs that go on now and count for that');
  const recovering = gauge('runwire_runs_recovering', 'Runs of an earlier server still being looked for');
  const streams = gauge('runwire_open_streams', 'Event and output responses being sent now');
  const finished = gauge('runwire_finished_runs', 'Finished runs that are kept');
  const finishedBytes = gauge(
    'runwire_finished_runs_bytes',
    'Bytes of their files, as retention counts them',
  );
  const diskSize = gauge('runwire_disk_size_bytes', 'Size of the file system of the data directory');
  const diskFree = gauge('runwire_disk_free_bytes', 'What is free of it');
  const bounds = [
    ['runwire_output_limit_bytes', 'Most that is kept of a stream of a run', limits.outputBytes],
    ['runwire_retention_limit_seconds', 'Longest time that finished runs are kept', limits.retention.seconds],
    ['runwire_retention_limit_runs', 'Most finished runs that are kept', limits.retention.count],
    ['runwire_retention_limit_bytes', 'Most bytes of finished runs that are kept', limits.retention.bytes],
  ] as const;
  for (const [name, help, bound] of bounds) gauge(name, help).set(bound ?? Number.POSITIVE_INFINITY);
  const memory = gauge('process_resident_memory_bytes', 'Resident memory of the server');
  const heap = gauge('runwire_heap_used_bytes', 'JavaScript heap in use');
  const lag = gaugeBy(
    'quantile',
    'runwire_event_loop_lag_seconds',
    'Delay of the event loop since the last scrape',
  );
  const delay = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  delay.enable();

  return {
    contentType: registry.contentType,
    runFinished(run) {
      const kind = labels.has(run.kind) ? run.kind : 'other';
      runs.inc({ kind, status: run.status });
      durations.observe({ kind }, run.seconds);
      output.inc(run.outputBytes);
    },
    clientStalled: () => stalled.inc(),
    runRecovered: (how) => recovered.inc({ how }),
    spansEnded: (how, count) => spans.inc({ how }, count),
    scrape(live) {
      running.set(live.running);
      queued.set(live.queued);
      for (const reason of WAITING_REASONS) waiting.set({ reason }, live.waiting[reason]);
      for (const of of PLACES) {
        places.set({ of }, live.places[of].all);
        taken.set({ of }, live.places[of].taken);
      }
      finished.set(live.finished?.count ?? Number.NaN);
      finishedBytes.set(live.finished?.bytes ?? Number.NaN);
      diskSize.set(live.disk?.total ?? Number.NaN);
      diskFree.set(live.disk?.free ?? Number.NaN);
      recovering.set(live.recovering);
      streams.set(live.openStreams);
      const usage = process.memoryUsage();
      memory.set(usage.rss);
      heap.set(usage.heapUsed);
      for (const quantile of [50, 99, 100]) {
        // A sample is the whole interval between two ticks of the monitor's timer.
        const late = delay.percentile(quantile) / 1e9 - LAG_RESOLUTION_MS / 1e3;
        lag.set({ quantile: quantile / 100 }, Math.max(0, late));
      }
      delay.reset();
      return registry.metrics();
    },
    close: () => {
      delay.disable();
    },
  };
}
