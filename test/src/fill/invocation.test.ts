import { describe, expect, test } from 'vitest';
import type { Invocation } from '../../../src/documents/invocation.ts';
import { fillInvocation } from '../../../src/fill/invocation.ts';
import { parseExact } from '../../../src/platform/exact-json.ts';

const KIND = { kind: 'http', placeholders: ['url', 'headers', 'body'] };
const statics = new Map([
  ['model', '/static/model'],
  ['odd', 'a=b'],
]);

function invocation(more: Partial<Invocation>): Invocation {
  return {
    schema_version: '0.1',
    contract_kind: 'runtime_invocation',
    invocation_id: 'x',
    runtime_name: '{{static:model}}',
    runtime_kind: 'http',
    working_directory: '/{{static:model}}',
    command: [],
    environment: {},
    timeout_seconds: null,
    input_payload_path: null,
    output_result_path: null,
    artifact_directory: null,
    metadata: { note: '{{static:nothing}}' },
    options: {},
    ...more,
  };
}

function faultsOf(more: Partial<Invocation>, templates: Map<string, string> | null = null) {
  try {
    fillInvocation(invocation(more), KIND, { statics, templates });
    return [];
  } catch (error) {
    return (error as { errors: { path: string; message: string }[] }).errors;
  }
}

describe('An invocation that is filled', () => {
  test('what metadata says for such options is filled, and no more of it', () => {
    const metadata = {
      'http.url': '{{static:model}}?x',
      'http.body': '{{static:no}}',
      note: '{{static:no}}',
    };
    const kind = { ...KIND, placeholdersInMetadata: ['http.url', 'http.method'] };
    expect(fillInvocation(invocation({ metadata }), kind, { statics, templates: null }).metadata).toEqual({
      ...metadata,
      'http.url': '/static/model?x',
    });
  });

  test('nothing is looked for: it is the very same', () => {
    const sent = invocation({ command: ['{{static:model}}', '${id}'] });
    expect(fillInvocation(sent, KIND, { statics: null, templates: null })).toBe(sent);
  });

  test('where placeholders are looked for, and where not', () => {
    const sent = invocation({
      command: ['cat', '{{static:model}}/x'],
      environment: { MODEL: '{{static:model}}', '{{static:model}}': '1' },
      options: {
        stdin: '<{{static:model}}>',
        setup: { commands: [['ls', '{{static:model}}'], 'ls {{static:model}}'], user: '{{static:nothing}}' },
        setup_command: 'cat {{static:model}}',
        files: [{ path: '{{static:model}}', text: 'at {{static:model}}' }],
        artifacts: ['{{static:nothing}}'],
        http: {
          url: '{{static:model}}',
          method: '{{static:nothing}}',
          body: { '{{static:model}}': ['{{static:model}}'] },
        },
        docker: { image: '{{static:nothing}}' },
      },
    });
    const before = JSON.stringify(sent);
    const filled = fillInvocation(sent, KIND, { statics, templates: null });
    expect(JSON.stringify(sent)).toBe(before);
    expect(filled).toEqual({
      ...sent,
      command: ['cat', '/static/model/x'],
      environment: { MODEL: '/static/model', '/static/model': '1' },
      options: {
        ...sent.options,
        stdin: '</static/model>',
        setup: { commands: [['ls', '/static/model'], 'ls /static/model'], user: '{{static:nothing}}' },
        setup_command: 'cat /static/model',
        files: [{ path: '{{static:model}}', text: 'at /static/model' }],
        http: {
          url: '/static/model',
          method: '{{static:nothing}}',
          body: { '/static/model': ['/static/model'] },
        },
      },
    });
  });

  test('templates are in command and values of the environment, and nowhere else', () => {
    const sent = invocation({
      command: ['${id}'],
      environment: { '${id}': '${id}' },
      options: { stdin: '${id}', setup_command: '${id} $$' },
    });
    const filled = fillInvocation(sent, KIND, { statics: null, templates: new Map([['id', 'value']]) });
    expect(filled.command).toEqual(['value']);
    expect(filled.environment).toEqual({ '${id}': 'value' });
    expect(filled.options).toEqual(sent.options);
  });

  test('numbers of a body keep their digits, and names that objects have by nature are names', () => {
    const options = parseExact(
      '{"http": {"body": {"n": 9007199254740993, "s": "{{static:model}}", "1.10": 1.10}}}',
    );
    const filled = fillInvocation(invocation({ options: options as Invocation['options'] }), KIND, {
      statics,
      templates: null,
    });
    expect(JSON.stringify(filled.options.http)).toBe(
      '{"body":{"n":9007199254740993,"s":"/static/model","1.10":1.10}}',
    );
    const body = JSON.parse('{"__proto__": {"a": "{{static:model}}"}}');
    const { options: other } = fillInvocation(invocation({ options: { http: { body } } }), KIND, {
      statics,
      templates: null,
    });
    expect(JSON.stringify(other)).toBe('{"http":{"body":{"__proto__":{"a":"/static/model"}}}}');
    expect(({} as { a?: string }).a).toBeUndefined();
  });

  test('a name may be made by a placeholder that stands for __proto__', () => {
    const { options } = fillInvocation(
      invocation({ options: { http: { body: { '{{static:p}}': { a: 1 } } } } }),
      KIND,
      { statics: new Map([['p', '__proto__']]), templates: null },
    );
    expect(JSON.stringify(options)).toBe('{"http":{"body":{"__proto__":{"a":1}}}}');
    expect(Object.hasOwn((options.http as { body: object }).body, '__proto__')).toBe(true);
  });

  test('all faults are told, with their fields', () => {
    expect(
      faultsOf({
        command: ['{{static:a}}', '{{static:model}}'],
        environment: { '{{static:odd}}': '', B: '{{static:b}}', '{{static:model}}': '', '/static/model': '' },
        options: { setup: { commands: [['x', '{{static:c}}']] }, http: { body: [{ '{{static:d}}': 1 }] } },
      }).map(({ path, message }) => `${path} ${message}`),
    ).toEqual([
      'command.0 {{static:a}} is no asset here: there is model, odd',
      'environment.B {{static:b}} is no asset here: there is model, odd',
      'environment.{{static:odd}} is no name of a variable: a=b',
      'environment./static/model is the same as another one: /static/model',
      'options.setup.commands.0.1 {{static:c}} is no asset here: there is model, odd',
      'options.http.body.0.{{static:d}} {{static:d}} is no asset here: there is model, odd',
    ]);
    expect(faultsOf({ command: Array.from({ length: 100 }, () => '{{static:a}}') })).toHaveLength(50);
    expect(faultsOf({ command: ['${none}'] }, new Map([['run.id', 'x']]))).toEqual([
      { path: 'command.0', message: '${none} is no name here: there is run.id' },
    ]);
  });

  test('what is put in has a NUL: an argument would end there', () => {
    const words = 'must not contain a NUL character, and what is put in has one';
    const templates = new Map([['value', 'a\0b']]);
    expect(
      faultsOf(
        { command: ['echo', '-${value}-', '${value}'], environment: { A: '${value}', B: '' } },
        templates,
      ),
    ).toEqual(['command.1', 'command.2', 'environment.A'].map((path) => ({ path, message: words })));
    expect(faultsOf({ command: ['echo', '$${value}'], options: { stdin: 'a\0b' } }, templates)).toEqual([]);
  });

  test('a body that is nested too deeply is refused, not left to the stack', () => {
    let body: unknown = '{{static:model}}';
    for (let depth = 0; depth < 100_000; depth++) body = [body];
    expect(() =>
      fillInvocation(invocation({ options: { http: { body } } }), KIND, { statics, templates: null }),
    ).toThrow('nested deeper');
  });
});

test('a text with ever so many names that are not there is looked at no longer than it is told of', () => {
  let listed = 0;
  class Counted extends Map<string, string> {
    override keys() {
      listed++;
      return super.keys();
    }
  }
  expect(faultsOf({ command: ['${x}'.repeat(10_000)] }, new Counted([['name', 'value']]))).toHaveLength(50);
  expect(listed).toBe(50);
});
