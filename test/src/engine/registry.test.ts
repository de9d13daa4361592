import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Runner } from '../../../src/contract/runner.ts';
import { Registry } from '../../../src/engine/registry.ts';
import { scripted } from '../../helpers/fake-runner.ts';

const runner = (kind: string, name: string, more: Partial<Runner> = {}): Runner =>
  scripted(() => Promise.reject(new Error('not run here')), { kind, name, ...more });

test('a runner is found by its kind and by each alias, and by nothing else', () => {
  const box = runner('box', 'Box', { aliases: ['crate', 'case'] });
  const registry = new Registry([box, runner('other', 'Other')]);
  for (const word of ['box', 'crate', 'case']) {
    expect(registry.find(word)).toBe(box);
    expect(registry.kindOf(word)).toBe('box');
  }
  for (const word of ['Box', '', 'constructor', '__proto__']) {
    expect(registry.find(word)).toBeUndefined();
    expect(registry.kindOf(word)).toBe(word);
    expect(() => registry.get(word)).toThrow(`This server has no kind ${word}.`);
  }
});

test.each<[string, Partial<Runner>, Partial<Runner>, string]>([
  ['one kind', {}, { kind: 'box' }, 'runtime_kind box'],
  ['one alias', { aliases: ['crate'] }, { aliases: ['crate'] }, 'runtime_kind crate'],
  ['the kind of the other as an alias', {}, { aliases: ['box'] }, 'runtime_kind box'],
  ['one option key', {}, { optionKey: 'box' }, 'options.box'],
])('two runners cannot have %s: both are named', (_what, first, second, word) => {
  const runners = [runner('box', 'Box', first), runner('chest', 'My chest', second)];
  expect(() => new Registry(runners)).toThrow(
    `the runner "Box" of kind box and the runner "My chest" of kind ${second.kind ?? 'chest'} cannot both have ${word}`,
  );
});

test('one runner cannot be there twice', () => {
  const box = runner('box', 'Box');
  expect(() => new Registry([box, box])).toThrow('cannot both have runtime_kind box');
});

test('no kind can have an option that every run may have', () => {
  expect(() => new Registry([runner('limits', 'Limiter')])).toThrow(
    'the runner "Limiter" of kind limits cannot have options.limits: every run may have that option',
  );
  expect(new Registry([runner('limits', 'Limiter', { optionKey: null })]).find('limits')).toBeDefined();
});

test('kinds without options of their own do not collide', () => {
  const none = { optionKey: null, spec: z.null() };
  expect(new Registry([runner('a', 'A', none), runner('b', 'B', none)]).all).toHaveLength(2);
});

test('all are started and closed, and closing waits for each', async () => {
  const calls: string[] = [];
  const living = (kind: string): Runner =>
    runner(kind, kind, {
      start: (isUnfinished) => void calls.push(`${kind} starts, a is ${isUnfinished('a')}`),
      async close() {
        await Promise.resolve();
        calls.push(`${kind} is closed`);
      },
    });
  const registry = new Registry([living('one'), runner('still', 'Still'), living('two')]);
  registry.start(
    (id) => id === 'a',
    () => false,
  );
  expect(calls).toEqual(['one starts, a is true', 'two starts, a is true']);
  await registry.close();
  expect(calls.slice(2).sort()).toEqual(['one is closed', 'two is closed']);
});
