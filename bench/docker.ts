import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine } from './machine.ts';
import { runwire } from './peers/runwire.ts';
import { median, ratios, type Spread, table } from './statistics.ts';

const { values: options } = parseArgs({
  options: {
    image: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    runs: { type: 'string', default: '12' },
    concurrency: { type: 'string', default: '1,4' },
    'data-dir': { type: 'string', default: '.runwire' },
    json: { type: 'string' },
  },
});
if (options.image === undefined) {
  console.error('--image NAME: an image that is on the engine and has a program echo');
  process.exit(2);
}
const { image } = options;

/** Milliseconds from the request, or the start of the client, to the first byte of output and to the end. */
interface Timing {
  firstByte: number;
  end: number;
}

interface Side {
  name: string;
  /** What that many runs need, which is not measured; returns how it goes. */
  prepare?(runs: number): Promise<() => Promise<void>>;
  run(): Promise<Timing>;
}

const WORD = 'ready';

/** What the runner closes by default, for a client that is told to close the same. */
const CONFINED = [
  ...['--network', 'none', '--init', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
  ...['--pids-limit', '512', '--log-driver', 'local', '--user', '65534:65534'],
];

function client(name: string, flags: readonly string[]): Side {
  return {
    name,
    run: () =>
      new Promise((done, fail) => {
        const began = performance.now();
        let firstByte = Number.NaN;
        let text = '';
        const child = spawn('docker', ['run', '--rm', ...flags, image, 'echo', WORD], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        child.stdout.on('data', (chunk: Buffer) => {
          if (text === '') firstByte = performance.now() - began;
          text += chunk;
        });
        child.once('error', fail);
        child.once('close', (code) =>
          code === 0 && text === `${WORD}\n`
            ? done({ firstByte, end: performance.now() - began })
            : fail(new Error(`docker run: exit code ${code}, output ${JSON.stringify(text)}`)),
        );
      }),
  };
}

/** Over HTTP: the output as it comes, and the end of the answer is the end of the run. */
function answerOf(agent: Agent, port: number, body: string): Promise<Timing> {
  const headers = { accept: 'text/plain', 'content-type': 'application/json' };
  return new Promise((done, fail) => {
    const began = performance.now();
    let firstByte = Number.NaN;
    let text = '';
    const post = request(
      { agent, port, host: '127.0.0.1', method: 'POST', path: '/invocations', headers },
      (answer) => {
        answer.on('data', (chunk: Buffer) => {
          if (text === '') firstByte = performance.now() - began;
          text += chunk;
        });
        answer.once('error', fail);
        answer.once('end', () =>
          text === `${WORD}\n`
            ? done({ firstByte, end: performance.now() - began })
            : fail(new Error(`runwire: ${answer.statusCode} ${JSON.stringify(text)}`)),
        );
      },
    );
    post.once('error', fail);
    post.end(body);
  });
}

/** Its container is removed before its end is told. */
function server(port: number): Side {
  const agent = new Agent({ keepAlive: true });
  const body = JSON.stringify({
    runtime_kind: 'docker',
    command: ['echo', WORD],
    options: { docker: { image } },
  });
  return { name: 'runwire', run: () => answerOf(agent, port, body) };
}

/** Each is the first run in a session of its own, which is ready and has done nothing since. */
function readySession(port: number): Side {
  const agent = new Agent({ keepAlive: true });
  const sessions = `http://127.0.0.1:${port}/sessions`;
  const ready: string[] = [];
  return {
    name: 'runwire, first in a session',
    async prepare(count) {
      const made: string[] = [];
      for (let n = 0; n < count; n++) {
        const answer = await fetch(`${sessions}?wait=60`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ runtime_kind: 'docker', options: { docker: { image } } }),
        });
        const { session_id: id, state, reason } = (await answer.json()) as Record<string, string>;
        if (id === undefined || state !== 'ready')
          throw new Error(`a session is not ready: ${state} ${reason}`);
        made.push(id);
      }
      ready.push(...made);
      return async () => {
        for (const id of made) await fetch(`${sessions}/${id}`, { method: 'DELETE' });
      };
    },
    run() {
      const session = ready.shift();
      if (session === undefined) throw new Error('no session is ready');
      return answerOf(agent, port, JSON.stringify({ command: ['echo', WORD], options: { session } }));
    },
  };
}

interface Round {
  perSecond: number;
  firstByte: number;
  end: number;
}

async function measure(side: Side, runs: number, atOnce: number): Promise<Round> {
  const timings: Timing[] = [];
  let left = runs;
  const clean = await side.prepare?.(runs);
  const began = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left-- > 0) timings.push(await side.run());
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  await clean?.();
  return {
    perSecond: timings.length / seconds,
    firstByte: median(timings.map(({ firstByte }) => firstByte)),
    end: median(timings.map(({ end }) => end)),
  };
}

const engine = spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], { encoding: 'utf8' });
if (engine.status !== 0) {
  console.error(`no engine answers: ${engine.stderr}`);
  process.exit(2);
}
const rounds = Number(options.rounds);
const runs = Number(options.runs);
mkdirSync(options['data-dir'], { recursive: true });
const directory = mkdtempSync(resolve(options['data-dir'], 'bench-'));
const machine = describeMachine(directory);
const { stop, port } = await runwire(join(directory, 'data'), join(directory, 'runwire.log'));
const started: { atOnce: number; ready: Round[]; fresh: Round[] }[] = [];
const rows: { name: string; atOnce: number; rounds: Round[]; base: Round[] }[] = [];
try {
  const base = client('docker run --rm', []);
  const fresh = server(port);
  const ready = readySession(port);
  const sides = [fresh, ready, base, client('docker run --rm, as confined', CONFINED)];
  for (const side of sides) await measure(side, 4, 2);
  for (const atOnce of options.concurrency.split(',').map(Number)) {
    const measured = new Map(sides.map((side) => [side, [] as Round[]]));
    for (let round = 0; round < rounds; round++)
      for (let turn = 0; turn < sides.length; turn++) {
        const side = sides[(round + turn) % sides.length] as Side;
        measured.get(side)?.push(await measure(side, runs, atOnce));
      }
    for (const [side, own] of measured)
      rows.push({ name: side.name, atOnce, rounds: own, base: measured.get(base) ?? [] });
    started.push({ atOnce, ready: measured.get(ready) ?? [], fresh: measured.get(fresh) ?? [] });
  }
} finally {
  await stop();
  rmSync(directory, { recursive: true, force: true });
}

const shown = ({ median: middle, min, max }: Spread) =>
  `${middle.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`;
const of = (list: readonly Round[], key: keyof Round) => list.map((round) => round[key]);
console.log(
  `${machine.cores} cores, ${machine.cpu}, Linux ${machine.kernel}, Node ${machine.node}, data on ${machine.dataOn}, load ${machine.loadBefore}, Docker ${engine.stdout.trim()}`,
);
console.log(
  `echo in a container; median of ${rounds} rounds of ${runs} runs, in turns; ratios round by round (least–most)\n`,
);
console.log(
  table([
    ['at once  how', 'runs/s', 'first byte ms', 'end ms', 'runs/s ÷ docker run', 'first byte ÷ docker run'],
    ...rows.map(({ name, atOnce, rounds: own, base }) => [
      `${String(atOnce).padStart(7)}  ${name}`,
      median(of(own, 'perSecond')).toFixed(2),
      median(of(own, 'firstByte')).toFixed(0),
      median(of(own, 'end')).toFixed(0),
      shown(ratios(of(own, 'perSecond'), of(base, 'perSecond'))),
      shown(ratios(of(own, 'firstByte'), of(base, 'firstByte'))),
    ]),
  ]),
);
console.log('\na first run in a ready session ÷ a run in a fresh container:');
for (const { atOnce, ready, fresh } of started)
  console.log(
    `${String(atOnce).padStart(7)}  first byte ${shown(ratios(of(ready, 'firstByte'), of(fresh, 'firstByte')))}, end ${shown(ratios(of(ready, 'end'), of(fresh, 'end')))}`,
  );
if (options.json !== undefined)
  writeFileSync(options.json, `${JSON.stringify({ machine, rounds, runs, rows }, null, 2)}\n`);
