import { randomBytes, randomSteps, type Step } from './program.ts';
import { Random } from './random.ts';

export const KINDS = ['subprocess', 'docker', 'http', 'http_async', 'manual'] as const;
export type Kind = (typeof KINDS)[number];

/** How a client follows a run: events in two forms, bytes of one stream or of both. */
export type View = 'sse' | 'ndjson' | 'stdout' | 'stderr' | 'output';

export interface Reading {
  view: View;
  /** Rest after each piece, ms: a slow reader. */
  restMs: number;
}

/** One run of the soak: what is asked for, what the work does, and what its clients do meanwhile. */
export interface Plan {
  n: number;
  kind: Kind;
  steps: Step[];
  end: { code: number } | { signal: 'TERM' | 'KILL' | 'USR1' };
  /** How a client that got no answer to its POST finds the run again; `nothing`: it does not. */
  name: 'id' | 'key' | 'nothing';
  /** How the first answer is asked for. */
  ask: 'record' | 'wait' | 'events';
  /** Shorter than the work by much, so that it always comes to it; `idle`: counted from its last output. */
  timeout: { seconds: number; idle: boolean } | null;
  /** It may be over before the run gets a place, or a worker. */
  queueSeconds: number | null;
  /** Of each stream; what the work writes beyond is counted only. */
  maxOutputBytes: number | null;
  cancelAfterMs: number | null;
  /** The same POST again after so long. */
  againAfterMs: number | null;
  /** Text that the work writes to stdout after its steps; `fed`: in pieces, while it runs. */
  stdin: { pieces: Buffer[]; fed: boolean } | null;
  /** Files that the work leaves in its artifact directory before its steps. */
  files: { name: string; bytes: Buffer }[];
  onFinish: boolean;
  /** Ignores SIGTERM. */
  stubborn: boolean;
  /** Leaves a process in a session of its own behind. */
  leaves: boolean;
  readings: Reading[];
  /** http: GET; http_async: the output comes as server-sent events. */
  variant: boolean;
}

/** What no cancel and no timeout would wait for. */
export const LONG_MS = 600_000;
const MEGABYTE = 1 << 20;

/** The plans that follow from a seed. */
export function planRuns(seed: number, runs: number, kinds: readonly Kind[]): Plan[] {
  const random = new Random(seed);
  return Array.from({ length: runs }, (_, n) => plan(n, new Random(random.integer(0, 2 ** 32 - 1)), kinds));
}

function plan(n: number, random: Random, kinds: readonly Kind[]): Plan {
  const drawn = random.weighted<Kind>([
    ['subprocess', 40],
    ['docker', 12],
    ['http', 16],
    ['http_async', 14],
    ['manual', 18],
  ]);
  const kind = kinds.includes(drawn) ? drawn : 'subprocess';
  const program = kind === 'subprocess' || kind === 'docker';
  const steps = randomSteps(random, {
    streams: kind === 'http' ? ['stdout'] : ['stdout', 'stdout', 'stderr'],
    textOnly: kind === 'http_async',
    most: { subprocess: 3, docker: 0.5, http: 2, http_async: 0.2, manual: 0.5 }[kind] * MEGABYTE,
  });
  const fate = random.weighted([
    ['itself', 14],
    ['timeout', 2],
    ['idle', 1],
    ['cancel', 2],
    ['late cancel', 2],
  ]);
  if (fate !== 'itself' && fate !== 'late cancel') steps.push({ do: 'pause', ms: LONG_MS });
  const code = random.chance(0.7) ? 0 : random.integer(1, 100);
  const stdin = program && random.chance(0.25) ? randomStdin(random, kind) : null;
  const stubborn = program && random.chance(0.2);
  return {
    n,
    kind,
    steps,
    end:
      program && random.chance(0.15)
        ? { signal: stubborn ? 'KILL' : random.pick(['TERM', 'KILL', 'USR1']) }
        : { code },
    name: random.weighted([
      ['id', 5],
      ['key', 4],
      ['nothing', 1],
    ]),
    ask: random.weighted([
      ['record', 6],
      ['wait', 2],
      ['events', 2],
    ]),
    timeout:
      fate === 'timeout' || fate === 'idle'
        ? { seconds: random.size(200, 3000) / 1000, idle: fate === 'idle' }
        : null,
    queueSeconds: random.chance(0.06) ? random.size(100, 2000) / 1000 : null,
    maxOutputBytes: program && stdin === null && random.chance(0.1) ? random.size(1, 100_000) : null,
    cancelAfterMs: fate === 'cancel' || fate === 'late cancel' ? random.integer(0, 2500) : null,
    againAfterMs: random.chance(0.3) ? random.integer(0, 2000) : null,
    stdin,
    files:
      kind !== 'http' && kind !== 'http_async' && random.chance(0.3)
        ? Array.from({ length: random.integer(1, 3) }, (_, file) => ({
            name: `file-${file}.dat`,
            bytes: randomBytes(random, false, 500),
          }))
        : [],
    onFinish: random.chance(0.35),
    stubborn,
    leaves: program && random.chance(0.2),
    readings: Array.from({ length: random.integer(1, 3) }, (_, reader) => ({
      view:
        reader === 0
          ? random.pick(['sse', 'ndjson'])
          : random.pick(['sse', 'ndjson', 'stdout', 'stderr', 'output']),
      restMs: random.chance(0.25) ? random.size(5, 100) : 0,
    })),
    variant: random.chance(0.5),
  };
}

/** Only a subprocess keeps its standard input open over a crash of the server. */
function randomStdin(random: Random, kind: Kind): NonNullable<Plan['stdin']> {
  const fed = kind === 'subprocess' && random.chance(0.5);
  const pieces = Array.from({ length: fed ? random.integer(1, 4) : 1 }, () =>
    Buffer.from(randomBytes(random, true, random.size(10, 20_000))),
  );
  return { pieces, fed };
}
