import { expect } from 'vitest';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import type { Client } from './client.ts';

type Scenario = (client: Client, backend: string) => Promise<void>;

const WAIT = '/invocations?wait=50';
const program = (command: string[], more: object = {}) => ({ runtime_kind: 'subprocess', command, ...more });
const script = (text: string, more: object = {}) => program(['sh', '-c', text], more);

/** POST, wait for the end, and see that it is the one that was meant. */
async function run(client: Client, body: object, expected: object): Promise<RunRecord> {
  const answer = await client.ask('POST', WAIT, body);
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.body}`);
  const record = JSON.parse(answer.body) as RunRecord;
  expect(record).toMatchObject(expected);
  return record;
}

const ends = (body: object, expected: object): Scenario => {
  return async (client) => void (await run(client, body, expected));
};

/** Most runs are so, and cost the test little. */
const succeeds = (more: object): Scenario => {
  const invocation = program(['/bin/true'], more);
  return async (client) => {
    const { status, body } = await client.ask('POST', WAIT, invocation);
    if (status !== 200 || !body.includes('"status":"succeeded"')) throw new Error(`${status} ${body}`);
  };
};

/** Each with how many of a hundred runs are so. */
const SCENARIOS: [number, Scenario][] = [
  [40, succeeds({ working_directory: '/' })],
  [35, succeeds({})],
  [
    5,
    async (client) => {
      const record = await run(client, script('echo out; echo err >&2; exit 3'), { status: 'failed' });
      const { body } = await client.ask('GET', `/invocations/${record.invocation.invocation_id}/stdout`);
      expect(body).toBe('out\n');
    },
  ],
  [
    1,
    ends(script('cat', { options: { stdin: 'text' } }), {
      status: 'succeeded',
      outcome: { stdout: { bytes: 4 } },
    }),
  ],
  [
    2,
    ends(script('echo b', { options: { setup: { commands: ['sleep 50 & echo a', ['true']] } } }), {
      status: 'succeeded',
      outcome: { setup_stdout: { bytes: 2 }, stdout: { bytes: 2 }, kill: { survivors: 0 } },
    }),
  ],
  [
    1,
    ends(program(['true'], { options: { setup_command: 'exit 4' } }), { outcome: { ended: 'setup_failed' } }),
  ],
  [2, ends(program(['/no/such/program']), { outcome: { ended: 'never_started' } })],
  [1, ends(program(['/etc/passwd']), { outcome: { ended: 'never_started' } })],
  [1, ends(program(['/bin/true'], { working_directory: '/no/such/directory' }), { status: 'rejected' })],
  [
    2,
    ends(program(['sleep', '50'], { timeout_seconds: 0.02, options: { kill_grace_seconds: 0 } }), {
      status: 'timed_out',
      outcome: { kill: { survivors: 0 } },
    }),
  ],
  [
    2,
    async (client) => {
      const { body } = await client.ask('POST', '/invocations', program(['sleep', '50']));
      const { invocation_id: id } = (JSON.parse(body) as RunRecord).invocation;
      await client.ask('POST', `/invocations/${id}/cancel`, { grace_seconds: 1 });
      const answer = await client.ask('GET', `/invocations/${id}?wait=50`);
      expect(JSON.parse(answer.body)).toMatchObject({ status: 'cancelled' });
    },
  ],
  [1, ends(script('setsid sleep 50 >/dev/null 2>&1 & exit 0'), { outcome: { exit_code: 0 } })],
  [
    1,
    async (client) => {
      const accept = { accept: 'text/event-stream' };
      const { body } = await client.ask('POST', '/invocations', script('echo a; echo b'), accept);
      expect(body).toContain('event: finished');
    },
  ],
  [
    1,
    async (client) =>
      client.leave('/invocations', script('echo a; sleep 0.05; echo b'), { accept: 'text/plain' }),
  ],
  [
    3,
    async (client, backend) =>
      void (await run(
        client,
        { runtime_kind: 'http', options: { http: { url: backend } } },
        { status: 'succeeded', outcome: { stdout: { bytes: 5 } } },
      )),
  ],
  [
    1,
    async (client) => {
      const { status } = await client.ask('POST', '/invocations', { runtime_kind: 'subprocess', unknown: 1 });
      expect(status).toBe(422);
    },
  ],
  [
    1,
    async (client) => {
      const { invocation } = await run(client, script('echo kept > file'), { status: 'succeeded' });
      const { status } = await client.ask('DELETE', `/invocations/${invocation.invocation_id}`);
      expect(status).toBe(204);
    },
  ],
];

const hundred: Scenario[] = SCENARIOS.flatMap(([times, scenario]) => Array<Scenario>(times).fill(scenario));
if (hundred.length !== 100) throw new Error(`${hundred.length} of a hundred`);

/** So many runs of all sorts, `width` at once, in an order that mixes the sorts. */
export async function runMany(client: Client, backend: string, count: number, width: number): Promise<void> {
  let begun = 0;
  const worker = async (): Promise<void> => {
    for (let n = begun++; n < count; n = begun++) await hundred[(n * 37) % 100]?.(client, backend);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
