import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freshId, sessionRoom } from '../../helpers/session-room.ts';

const SPEC = {
  runtime_kind: 'scripted',
  environment: { A: 'spec', B: 'spec' },
  options: { limits: { cpu_seconds: 5 }, kill_grace_seconds: 1 },
  setup: { commands: ['make deps'], evaluation_commands: ['make hidden'] },
  snapshot: { ignore: ['*.o'] },
  entry: { command: ['check'], agent_command: ['work'], file: 'main' },
};

test('A spec, what the session says and what the run says: each before the one below it', async () => {
  await using room = sessionRoom();
  const name = freshId('spec');
  const { spec } = await room.built.specs.put(name, SPEC);
  const made = await room.make({
    ...{ runtime_kind: undefined, environment_spec: name },
    environment: { B: 'session' },
    options: { kill_grace_seconds: 2 },
  });
  const { session_id: id } = made;
  expect(made).toMatchObject({
    runtime_kind: 'scripted',
    environment_spec: { name, version: 1, digest: spec.digest },
  });
  expect(room.begun[0]?.setup?.commands).toEqual([['sh', '-c', 'make deps']]);
  const agent = await room.built.run({ environment: { C: 'run' }, options: { session: id } });
  expect(agent.invocation).toMatchObject({
    command: ['work', 'main'],
    environment: { A: 'spec', B: 'session', C: 'run' },
    options: { limits: { cpu_seconds: 5 }, kill_grace_seconds: 2 },
  });
  const madeWith = { name, version: 1, digest: spec.digest };
  const setup = room.built.engine.record(made.setup_invocation_id);
  for (const record of [agent, setup]) {
    expect(record.environment_spec).toEqual(madeWith);
    expect(record.invocation.options.environment_spec).toBe(`${name}@1`);
  }
  const evaluation = await room.built.run({ options: { session: id, is_evaluation: true } });
  expect(evaluation.invocation.command).toEqual(['check', 'main']);
  expect(room.begun.at(-1)?.setup?.commands).toEqual([['sh', '-c', 'make hidden']]);
  for (const reference of [name, `${name}@1`]) {
    const { status } = await room.built.run({ options: { session: id, environment_spec: reference } });
    expect(status).toBe('succeeded');
  }
});

test('It has the version of its making, for as long as it is there', async () => {
  await using room = sessionRoom();
  const { specs } = room.built;
  const name = freshId('spec');
  await specs.put(name, SPEC);
  const { session_id: id } = await room.make({ runtime_kind: undefined, environment_spec: name });
  await specs.put(name, { ...SPEC, environment: { A: 'other' } });
  const { invocation } = await room.built.run({ options: { session: id } });
  expect(invocation.environment.A).toBe('spec');
  await specs.remove(name);
  expect(specs.get(`${name}@1`)).toMatchObject({ version: 1 });
  await room.ask('DELETE', `/sessions/${id}`);
  expect(() => specs.get(`${name}@1`)).toThrow('There is no environment spec');
});

test('What is in no snapshot of the spec is in no checkpoint, and a reset brings it back', async () => {
  await using room = sessionRoom(({ session, workingDirectory, invocation: { metadata } }) => {
    writeFileSync(join(workingDirectory, session?.isSetup ? 'setup.o' : (metadata.file ?? 'x')), 'x');
    return undefined;
  });
  const name = freshId('spec');
  await room.built.specs.put(name, SPEC);
  const files = [{ path: 'a', text: 'one' }];
  const made = await room.make({ runtime_kind: undefined, environment_spec: name, files });
  const { session_id: id, workspace_id } = made;
  await room.built.run({ metadata: { file: 'b' }, options: { session: id } });
  await room.built.run({ metadata: { file: 'b.o' }, options: { session: id } });
  const { body } = await room.ask('POST', `/sessions/${id}/checkpoint`);
  expect(body.diff.files.map(({ path }) => path)).toEqual(['b']);
  await room.ask('POST', `/sessions/${id}/reset?wait=20`);
  const listed = (await room.built.get(`/workspaces/${workspace_id}/files`)).json().items as {
    path: string;
  }[];
  expect(listed.map(({ path }) => path)).toEqual(['a', 'setup.o']);
  await room.ask('DELETE', `/sessions/${id}`);
  const left = (await room.built.get('/snapshots')).json().items as { snapshot_id: string }[];
  expect(left.map(({ snapshot_id }) => snapshot_id)).toEqual([body.snapshot.snapshot_id]);
});

test('A spec that is not there, or of another kind, is refused by name', async () => {
  await using room = sessionRoom();
  const name = freshId('spec');
  await room.built.specs.put(name, { ...SPEC, runtime_kind: 'fake', setup: undefined });
  const refused = async (body: object) => {
    const answer = await room.ask('POST', '/sessions', body);
    return [answer.status, answer.body.errors];
  };
  const none = freshId('spec');
  expect(await refused({ environment_spec: none })).toEqual([
    422,
    [{ path: 'environment_spec', message: `there is no environment spec ${none}` }],
  ]);
  expect(await refused({ environment_spec: name, runtime_kind: 'scripted' })).toEqual([
    422,
    [{ path: 'runtime_kind', message: expect.stringContaining(`is fake in the environment spec ${name}@1`) }],
  ]);
});
