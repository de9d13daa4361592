import { expect, test } from 'vitest';
import type { RunContext } from '../../../src/contract/context.ts';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { freshId, runIn, sessionRoom } from '../../helpers/session-room.ts';

const SETUP = {
  commands: ['make deps'],
  evaluation_commands: ['make hidden'],
  resume_commands: ['make resumed'],
  timeout_seconds: 30,
};
const shell = (text: string): string[] => ['sh', '-c', text];
const commandsOf = ({ setup }: RunContext): unknown => setup?.commands ?? null;

test('A run means what its session says and what it says itself: maps by key, lists and all else replaced', async () => {
  await using room = sessionRoom();
  const { session_id: id } = await room.make({
    environment: { A: 'session', B: 'session' },
    options: { artifacts: ['*.log'], limits: { cpu_seconds: 5, open_files: 100 }, kill_grace_seconds: 1 },
  });
  const { invocation } = await room.built.run({
    command: ['x'],
    environment: { B: 'run', C: 'run' },
    options: { session: id, artifacts: ['out/*'], limits: { cpu_seconds: 9 } },
  });
  expect(invocation).toMatchObject({
    runtime_kind: 'scripted',
    environment: { A: 'session', B: 'run', C: 'run' },
    options: { artifacts: ['out/*'], limits: { cpu_seconds: 9, open_files: 100 }, kill_grace_seconds: 1 },
  });
  const { invocation: setup } = room.built.engine.record(
    (await room.ask('GET', `/sessions/${id}`)).body.setup_invocation_id,
  );
  expect(setup).toMatchObject({ environment: { A: 'session', B: 'session' }, command: [] });
  expect(setup.options).not.toHaveProperty('artifacts');
});

test('The setup is done once; a run does only its own, and an evaluation what the session has for it', async () => {
  await using room = sessionRoom();
  const { session_id: id } = await room.make({ options: { setup: SETUP, setup_command: 'last' } });
  await room.built.run(runIn(id));
  await room.built.run(runIn(id, {}, { setup: { commands: ['own'] } }));
  await room.built.run(runIn(id, {}, { setup_command: 'own' }));
  const evaluation = await room.built.run(
    runIn(id, {}, { is_evaluation: true, setup: { commands: ['own'] } }),
  );
  const plain = await room.built.run(runIn(id, {}, { is_evaluation: true }));
  await room.built.run(runIn(id, {}, { is_evaluation: true, disable_setup: true }));
  expect(room.begun.map(commandsOf)).toEqual([
    [shell('make deps'), shell('last')],
    null,
    [shell('own')],
    [shell('own')],
    [shell('own'), shell('make hidden')],
    [shell('make hidden')],
    null,
  ]);
  expect(room.begun.at(5)?.setup?.timeoutMs).toBe(30_000);
  expect(evaluation.invocation.options.setup).toEqual({
    ...{ commands: ['own'], evaluation_commands: ['make hidden'], timeout_seconds: 30 },
  });
  expect(plain.status).toBe('succeeded');
});

test('What is for evaluations is in no document of a session that is none, but for the runs that are', async () => {
  await using room = sessionRoom();
  const { session_id: id, setup_invocation_id: setup } = await room.make({ options: { setup: SETUP } });
  const { invocation } = await room.built.run(runIn(id));
  const told = [setup, invocation.invocation_id].map((run) => room.built.engine.recordJson(run));
  told.push(JSON.stringify((await room.ask('GET', `/sessions/${id}`)).body));
  for (const text of told) expect(text).not.toMatch(/hidden|resumed/);
});

test('A session that is an evaluation is set up as one, and its runs are that without more', async () => {
  await using room = sessionRoom();
  const { session_id: id } = await room.make({ is_evaluation: true, options: { setup: SETUP } });
  const { invocation } = await room.built.run(runIn(id, {}, { is_evaluation: true }));
  const { invocation: silent } = await room.built.run(runIn(id));
  expect(room.begun.map(commandsOf)).toEqual([[shell('make deps'), shell('make hidden')], null, null]);
  for (const { options } of [invocation, silent]) {
    expect(options.is_evaluation).toBe(true);
    expect(options).not.toHaveProperty('setup');
  }
});

test('A session without its setup is ready at once, and so are evaluations in it', async () => {
  await using room = sessionRoom();
  const { session_id: id } = await room.make({ disable_setup: true, options: { setup: SETUP } });
  await room.built.run(runIn(id, {}, { is_evaluation: true }));
  expect(room.begun.map(commandsOf)).toEqual([[], null]);
});

test('What belongs to the session is refused in a run, by name', async () => {
  await using room = sessionRoom();
  const { session_id: id, workspace_id } = await room.make({ options: { scripted: { image: 'x' } } });
  const refused = async (more: object, options: object) => {
    const answer = await room.built.post(runIn(id, more, options));
    expect([answer.statusCode, answer.json().code]).toEqual([422, 'invalid_invocation']);
    return (answer.json().errors as { path: string }[]).map(({ path }) => path);
  };
  expect(await refused({ runtime_kind: 'fake' }, {})).toEqual(['runtime_kind']);
  expect(await refused({}, { workspace: freshId('w') })).toEqual(['options.workspace']);
  expect(await refused({}, { environment_spec: 'demo' })).toEqual(['options.environment_spec']);
  const own = { scripted: { image: 'y', user: 'me' }, limits: { memory_bytes: 1, open_files: 9 } };
  expect(await refused({}, own)).toEqual(['options.scripted.image', 'options.limits.memory_bytes']);
  const taken = {
    scripted: { user: 'me' },
    limits: { open_files: 9 },
    workspace: { id: workspace_id, shared: true },
  };
  const { status, invocation } = await room.built.run(runIn(id, {}, taken));
  expect(status).toBe('succeeded');
  expect(invocation.options).toMatchObject({
    scripted: { image: 'x', user: 'me' },
    workspace: { id: workspace_id, shared: true },
  });
});

test('A session that is not there is told by name, and no run is stored', async () => {
  await using room = sessionRoom();
  const id = freshId();
  const answer = await room.built.post(runIn(id, { invocation_id: id }));
  expect([answer.statusCode, answer.json().code]).toEqual([404, 'session_not_found']);
  expect(room.built.engine.has(id)).toBe(false);
});

test('The same invocation sent again is the run that it made, also when the session is closed', async () => {
  await using room = sessionRoom();
  const { session_id: id } = await room.make();
  const body = runIn(id, { invocation_id: freshId('r') });
  const first = await room.built.run(body);
  await room.ask('DELETE', `/sessions/${id}`);
  const again = await room.built.post(body);
  expect([again.statusCode, again.headers['idempotency-replayed']]).toEqual([200, 'true']);
  expect((again.json() as RunRecord).result).toEqual(first.result);
});

test('What cannot be a session is refused by name, and nothing is made', async () => {
  await using room = sessionRoom();
  const refused = async (body: object) => {
    const answer = await room.ask('POST', '/sessions', body);
    expect([answer.status, answer.body.code], JSON.stringify(answer.body)).toEqual([
      422,
      expect.stringMatching(/^invalid_(field|invocation)$/),
    ]);
    return answer.body.errors.map(({ path }) => path);
  };
  const kind = { runtime_kind: 'scripted' };
  expect(await refused({})).toEqual(['runtime_kind']);
  expect(await refused({ runtime_kind: 'nothing' })).toEqual(['runtime_kind']);
  expect(await refused({ ...kind, nothing: 1 })).toEqual(['nothing']);
  expect(await refused({ ...kind, session_id: '../x' })).toEqual(['session_id']);
  expect(await refused({ ...kind, ttl_seconds: 0, idle_seconds: -1 })).toEqual([
    'ttl_seconds',
    'idle_seconds',
  ]);
  expect(await refused({ ...kind, workspace: 'w', files: [], from: { snapshot: 's' } })).toEqual([
    'files',
    'from',
  ]);
  expect(await refused({ ...kind, from: { snapshot: 'none' } })).toEqual(['from.snapshot']);
  const ofRuns = {
    workspace: 'w',
    session: 's',
    stdin: 'x',
    on_finish: { url: 'http://x.example' },
    files: [],
  };
  expect(await refused({ ...kind, options: { ...ofRuns, is_evaluation: true } })).toEqual(
    ['stdin', 'files', 'workspace', 'session', 'is_evaluation', 'on_finish'].map((name) => `options.${name}`),
  );
  expect(await refused({ ...kind, options: { nothing: {} } })).toEqual(['options.nothing']);
  expect((await room.ask('GET', '/sessions')).body.items).toEqual([]);
  expect((await room.ask('GET', '/workspaces')).body.items).toEqual([]);
});
