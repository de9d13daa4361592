import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import { type BuiltApp, buildApp } from '../helpers/build-app.ts';
import { findProgram, requires } from '../helpers/require.ts';

const TOKEN = 'token-of-the-server';
const example = (name: string) => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));

/** What the workers are to do with each run. */
const PROGRAM = [
  'bash',
  '-c',
  `read -r invocation; case "$invocation" in '{"schema_version":'*'}') ;; *) exit 9 ;; esac
   case "$WHAT" in
     linger) trap 'echo stopped; exit 0' TERM; echo ready; while :; do sleep 0.1; done ;;
     *) printf 'out\\377\\n'; echo err >&2; echo made >"$RUNWIRE_ARTIFACT_DIR/made.txt"
        [ -z "$RUNWIRE_TOKEN" ] || echo leaked
        exit 3 ;;
   esac`,
];

const WORKERS = [
  ['Node', process.execPath, [example('worker.mjs')], []],
  ['bash and curl', 'bash', [example('worker.sh')], ['curl']],
  ['Python', findProgram('python3') ?? 'python3', [example('worker.py')], ['python3']],
] as const;

for (const [name, program, args, needs] of WORKERS)
  requires(...needs)(`The example worker in ${name}`, () => {
    let app: BuiltApp;
    let server: string;
    let worker: ChildProcess;
    let said = '';
    beforeEach(async () => {
      app = await buildApp({ config: { RUNWIRE_TOKEN: TOKEN } });
      server = await app.listen();
      said = '';
    });
    afterEach(async () => {
      worker.kill('SIGKILL');
      await app.end();
    });

    const start = (what: string): void => {
      worker = spawn(program, [...args, ...PROGRAM], {
        env: {
          PATH: process.env.PATH,
          HOME: process.env.HOME,
          RUNWIRE_URL: server,
          RUNWIRE_TOKEN: TOKEN,
          WORKER_RUNS: '1',
          WHAT: what,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      for (const stream of [worker.stdout, worker.stderr])
        stream?.on('data', (chunk: Buffer) => {
          said += chunk;
        });
    };
    const ended = () => new Promise<number | null>((resolve) => worker.on('close', (code) => resolve(code)));
    const call = (method: 'GET' | 'POST', url: string, payload?: object) =>
      app.app.inject({
        method,
        url,
        headers: { authorization: `Bearer ${TOKEN}` },
        ...(payload && { payload }),
      });
    const submit = async (options = {}): Promise<string> => {
      const response = await call('POST', '/invocations', { runtime_kind: 'manual', options });
      return (response.json() as RunRecord).invocation.invocation_id;
    };

    test('does a run: output, file and exit code', async () => {
      start('');
      const exit = ended();
      const id = await submit();
      expect([await exit, said]).toEqual([0, expect.stringContaining(`${id} failed`)]);
      const { result } = app.engine.record(id);
      expect(result).toMatchObject({ status: 'failed', exit_code: 3 });
      expect((await call('GET', `/invocations/${id}/stdout`)).rawPayload.toString('latin1')).toBe(
        'out\xff\n',
      );
      expect((await call('GET', `/invocations/${id}/stderr`)).body).toBe('err\n');
      expect((await call('GET', `/invocations/${id}/artifacts/made.txt`)).body).toBe('made\n');
    });

    test('stops a run that is cancelled', async () => {
      start('linger');
      const exit = ended();
      const id = await submit({ kill_grace_seconds: 30 });
      for await (const events of app.engine.log(id).read({ after: 0, follow: true }))
        if (events.some(({ entry }) => entry.type === 'stdout')) break;
      await call('POST', `/invocations/${id}/cancel`, {});
      expect([await exit, said]).toEqual([0, expect.stringContaining(`${id} cancelled`)]);
      expect(app.engine.record(id).result).toMatchObject({ status: 'cancelled' });
      expect((await call('GET', `/invocations/${id}/stdout`)).body).toBe('ready\nstopped\n');
    });
  });
