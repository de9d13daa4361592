import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvocationInput } from '../../../src/documents/invocation.ts';
import {
  type InvocationDefaults,
  mergedDefaults,
  withDefaults,
  withoutHiddenCommands,
} from '../../../src/documents/invocation-defaults.ts';
import { parseExact } from '../../../src/platform/exact-json.ts';

const layer = (defaults: InvocationDefaults, from = 'the environment spec demo@1') => ({ from, defaults });
const faults = (call: () => unknown): unknown => {
  try {
    return call();
  } catch (error) {
    return (error as { errors?: unknown }).errors;
  }
};

test('an invocation goes before a session, and a session before a spec', () => {
  const spec = layer({
    runtime_kind: 'docker',
    environment: { A: 'spec', B: 'spec', C: 'spec' },
    options: { kill_grace_seconds: 1, max_output_bytes: 1, idle_timeout_seconds: 1 },
  });
  const session = layer({
    environment: { B: 'session', C: 'session' },
    options: { max_output_bytes: 2, idle_timeout_seconds: 2 },
  });
  const input = { environment: { C: 'sent' }, options: { idle_timeout_seconds: 3 } };
  expect(withDefaults(input, [spec, session])).toEqual({
    runtime_kind: 'docker',
    environment: { A: 'spec', B: 'session', C: 'sent' },
    options: { kill_grace_seconds: 1, max_output_bytes: 2, idle_timeout_seconds: 3 },
  });
});

test('maps merge by key at any depth; lists, null and scalars replace', () => {
  const docker = { image: 'a', labels: { one: '1', two: '2' }, cap_add: ['A', 'B'] };
  const spec = layer({
    runtime_kind: 'docker',
    options: { docker, artifacts: ['a'], limits: { processes: 3 } },
  });
  const { options } = withDefaults(
    {
      options: {
        docker: { labels: { two: 'x' }, cap_add: [], user: null },
        artifacts: ['b'],
        limits: { open_files: 4 },
      },
    },
    [spec],
  );
  expect(options).toEqual({
    docker: { image: 'a', labels: { one: '1', two: 'x' }, cap_add: [], user: null },
    artifacts: ['b'],
    limits: { processes: 3, open_files: 4 },
  });
});

test('a setup is merged too: its lists replace', () => {
  const spec = layer({
    runtime_kind: 'subprocess',
    options: { setup: { commands: ['a', 'b'], timeout_seconds: 5 } },
  });
  const { options } = withDefaults({ options: { setup: { commands: ['c'] } } }, [spec]);
  expect(options?.setup).toEqual({ commands: ['c'], timeout_seconds: 5 });
});

test('numbers keep their digits', () => {
  const options = parseExact('{"http":{"body":{"id":9007199254740993}}}') as Record<string, unknown>;
  const { options: merged } = withDefaults({ options: { http: { body: { name: 'x' } } } }, [
    layer({ runtime_kind: 'http', options }),
  ]);
  expect(JSON.stringify(merged)).toBe('{"http":{"body":{"id":9007199254740993,"name":"x"}}}');
});

test('names that objects have by nature are names like others', () => {
  const environment = JSON.parse('{"__proto__":"p","constructor":"c","toString":"t"}') as Record<
    string,
    string
  >;
  const merged = withDefaults({ environment: { A: 'a' } }, [layer({ runtime_kind: 'x', environment })]);
  expect(JSON.stringify(merged.environment)).toBe(
    '{"__proto__":"p","constructor":"c","toString":"t","A":"a"}',
  );
  expect(withDefaults({ environment }, [layer({ runtime_kind: 'x', environment: {} })]).environment).toEqual(
    environment,
  );
});

test('neither the layers nor what was sent are changed', () => {
  const spec = { runtime_kind: 'x', environment: { A: 'a' }, options: { docker: { labels: { a: '1' } } } };
  const input = { environment: { B: 'b' }, options: { docker: { labels: { b: '2' } } } };
  const before = structuredClone([spec, input]);
  withDefaults(input, [layer(spec), layer(spec)]);
  expect([spec, input]).toEqual(before);
});

const names = fc.constantFrom('a', 'b', 'c');
const maps = fc.letrec<{ value: unknown; map: Record<string, unknown> }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, fc.integer(), fc.array(fc.integer()), tie('map')),
  map: fc.dictionary(names, tie('value')),
})).map;

test('three layers are what two of them merged and the third are', () => {
  fc.assert(
    fc.property(maps, maps, maps, (a, b, c) => {
      const [first, second, third] = [a, b, c].map((http) => ({ runtime_kind: 'http', options: { http } }));
      const all = mergedDefaults([first, second, third] as InvocationDefaults[]);
      const two = mergedDefaults([first, second] as InvocationDefaults[]);
      expect(mergedDefaults([two, third] as InvocationDefaults[])).toEqual(all);
      expect(withDefaults({}, [layer(all)])).toEqual(
        withDefaults({}, [layer(two), layer(third as InvocationDefaults)]),
      );
    }),
  );
});

test('the kind may be the spec’s, in its word; two kinds are refused, two words of one are not', () => {
  const kindOf = (word: string): string => (word === 'container' ? 'docker' : word);
  const spec = layer({ runtime_kind: 'docker' });
  expect(withDefaults({}, [spec], kindOf).runtime_kind).toBe('docker');
  expect(withDefaults({ runtime_kind: 'container' }, [spec], kindOf).runtime_kind).toBe('container');
  expect(faults(() => withDefaults({ runtime_kind: 'http' }, [spec], kindOf))).toEqual([
    { path: 'runtime_kind', message: 'is docker in the environment spec demo@1, and no other can be said' },
  ]);
  const session = layer({ runtime_kind: 'http' }, 'the session s');
  expect(faults(() => withDefaults({}, [spec, session], kindOf))).toEqual([
    {
      path: 'runtime_kind',
      message: 'is http in the session s, and docker in the environment spec demo@1',
    },
  ]);
  expect(faults(() => withDefaults({}, [layer({})], kindOf))).toEqual([
    { path: 'runtime_kind', message: 'is missing: must be a string' },
  ]);
});

test('the command is that of the entry where none was sent', () => {
  const entry = { command: ['judge'], agent_command: ['solve', '-v'], file: 'main.py' };
  const of = (input: InvocationInput, more: InvocationDefaults = { entry }) =>
    withDefaults(input, [layer({ runtime_kind: 'subprocess', ...more })]).command;
  expect(of({})).toEqual(['solve', '-v', 'main.py']);
  expect(of({ options: { is_evaluation: true } })).toEqual(['judge', 'main.py']);
  expect(of({ command: ['mine'] })).toEqual(['mine']);
  expect(of({}, { entry: { command: ['judge'] } })).toEqual(['judge']);
  expect(of({}, {})).toBeUndefined();
});

test('what is in snapshots that a run takes is said by the invocation, else by the spec', () => {
  const spec = layer({ runtime_kind: 'x', snapshot: { keep: ['src/**'], ignore: ['*.o'] } });
  const of = (workspace: NonNullable<InvocationInput['options']>['workspace']) =>
    withDefaults({ options: { workspace } }, [spec]).options?.workspace;
  expect(of({ id: 'w', snapshot: 'after' })).toEqual({
    ...{ id: 'w', snapshot: 'after' },
    ...{ keep: ['src/**'], ignore: ['*.o'] },
  });
  expect(of({ id: 'w', snapshot: 'after', ignore: [] })).toMatchObject({ keep: ['src/**'], ignore: [] });
  expect(of({ id: 'w' })).toEqual({ id: 'w' });
  expect(of('w')).toBe('w');
});

test('commands for evaluations are seen by evaluations alone, those for later by none', () => {
  const setup = { commands: ['a'], evaluation_commands: ['b'], resume_commands: ['c'], timeout_seconds: 3 };
  const of = (options: Record<string, unknown>) =>
    withoutHiddenCommands({ runtime_kind: 'x', options }).options;
  expect(of({ setup })).toEqual({ setup: { commands: ['a'], timeout_seconds: 3 } });
  expect(of({ setup, is_evaluation: true })).toEqual({
    setup: { commands: ['a'], evaluation_commands: ['b'], timeout_seconds: 3 },
    is_evaluation: true,
  });
  expect(of({ is_evaluation: true })).toEqual({ is_evaluation: true });
});

test('an invocation needs a kind, unless it names who may have one', () => {
  expect(InvocationInput.safeParse({ options: { environment_spec: 'demo@3' } }).success).toBe(true);
  expect(InvocationInput.safeParse({ options: { session: 's' } }).success).toBe(true);
  const paths = (body: unknown) =>
    InvocationInput.safeParse(body).error?.issues.map(({ path }) => path.join('.'));
  expect(paths({})).toEqual(['runtime_kind']);
  expect(paths({ options: {} })).toEqual(['runtime_kind']);
  // Beside what else is wrong.
  expect(paths({ environment: { A: 1 }, nonsense: 1 })?.sort()).toEqual([
    '',
    'environment.A',
    'runtime_kind',
  ]);
  expect(paths({ runtime_kind: 3 })).toEqual(['runtime_kind']);
  expect(paths(3)).toEqual(['']);
});

test('assets merge by key; who names another one, or another version, does not mean the version below', () => {
  const digest = 'a'.repeat(64);
  const pinned = { asset: 'llm', version: 3, digest, save_path: 'model', mode: 'copy' } as const;
  const spec = layer({
    runtime_kind: 'x',
    options: { assets: { same: pinned, other: pinned, newer: pinned, own: { version: 1, digest } } },
  });
  const { options } = withDefaults(
    {
      options: {
        assets: {
          same: { asset: 'llm', mode: 'mount' },
          other: { asset: 'tiny' },
          newer: { version: 4 },
          own: { asset: 'own' },
          more: {},
        },
      },
    },
    [spec],
  );
  expect(options?.assets).toEqual({
    same: { ...pinned, mode: 'mount' },
    other: { asset: 'tiny', save_path: 'model', mode: 'copy' },
    newer: { asset: 'llm', version: 4, save_path: 'model', mode: 'copy' },
    own: { asset: 'own', version: 1, digest },
    more: {},
  });
  expect(
    mergedDefaults([spec.defaults, { options: { assets: { other: { asset: 'tiny' } } } }]).options?.assets
      ?.other,
  ).toEqual({
    asset: 'tiny',
    save_path: 'model',
    mode: 'copy',
  });
});
