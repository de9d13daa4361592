import { expect, test } from 'vitest';
import { sessionSetupPlan, setupPlan } from '../../../src/run/setup-plan.ts';

const setup = {
  commands: [['pip', 'install', '.'], 'make deps'],
  evaluation_commands: ['make answers'],
  resume_commands: ['make resumed'],
};
const shell = (text: string): string[] => ['sh', '-c', text];

test('Commands run as they are given, text by sh -c, for 600 s unless it is said', () => {
  expect(setupPlan({ setup })).toEqual({
    commands: [['pip', 'install', '.'], shell('make deps')],
    timeoutMs: 600_000,
    user: null,
  });
  expect(setupPlan({ setup: { commands: ['a'], timeout_seconds: 1.5, user: 'me' } })).toEqual({
    commands: [shell('a')],
    timeoutMs: 1500,
    user: 'me',
  });
});

test('The order is commands, those of an evaluation, the one command more, those of a session that was reset', () => {
  const options = { setup, setup_command: ['last'] };
  const all = [['pip', 'install', '.'], shell('make deps')];
  expect(setupPlan(options)?.commands).toEqual([...all, ['last']]);
  expect(setupPlan({ ...options, is_evaluation: true })?.commands).toEqual([
    ...[...all, shell('make answers')],
    ['last'],
  ]);
  expect(setupPlan({ ...options, is_evaluation: true }, { resumed: true })?.commands).toEqual([
    ...[...all, shell('make answers'), ['last']],
    shell('make resumed'),
  ]);
});

test('Where nothing is to be done there is no plan', () => {
  expect(setupPlan({})).toBeNull();
  expect(setupPlan({ is_evaluation: true })).toBeNull();
  expect(setupPlan({ setup: {} })).toBeNull();
  expect(setupPlan({ setup: { commands: [], timeout_seconds: 5 } })).toBeNull();
  expect(setupPlan({ setup: { evaluation_commands: ['a'], resume_commands: ['b'] } })).toBeNull();
  expect(setupPlan({ setup, setup_command: 'a', is_evaluation: true, disable_setup: true })).toBeNull();
});

test('A session has a setup also without commands', () => {
  expect(sessionSetupPlan({ setup, disable_setup: true }, true).commands).toEqual([]);
  expect(sessionSetupPlan({}, false)).toEqual({ commands: [], timeoutMs: 600_000, user: null });
  expect(sessionSetupPlan({ setup }, true).commands.at(-1)).toEqual(shell('make resumed'));
});
