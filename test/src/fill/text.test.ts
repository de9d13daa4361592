import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Filler, fillText } from '../../../src/fill/text.ts';

const STATICS = new Map([
  ['model', '/static/model'],
  ['loop', '{{static:model}} ${id} \\{{static:model}} $$'],
]);
const TEMPLATES = new Map([
  ['id', 'text of ${id} and {{static:model}}'],
  ['id.path', '/inputs/id'],
]);
const both: Filler = { statics: STATICS, templates: TEMPLATES };
const statics: Filler = { statics: STATICS, templates: null };
const templates: Filler = { statics: null, templates: TEMPLATES };

function filled(text: string, filler: Filler): { text: string; faults: string[] } {
  const faults: string[] = [];
  return { text: fillText(text, filler, (words) => faults.push(words)), faults };
}

const words = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '{{static:',
        '}}',
        '\\{{static:',
        '{{static:model}}',
        '$',
        '$$',
        '${',
        '${id}',
        '}',
        '\\',
        '{{',
      ),
      fc.string(),
    ),
  )
  .map((parts) => parts.join(''));

describe('What texts are filled with', () => {
  test('a text in which nothing is looked for is the same, whatever it looks like', () => {
    fc.assert(
      fc.property(words, (text) => {
        expect(filled(text, { statics: null, templates: null })).toEqual({ text, faults: [] });
      }),
    );
  });

  test('each is left to itself: without assets no placeholder, without templates no $', () => {
    expect(filled('{{static:none}} \\{{static:x}} ${id.path}', templates)).toEqual({
      text: '{{static:none}} \\{{static:x}} /inputs/id',
      faults: [],
    });
    expect(filled('$$ ${none} ${ {{static:model}}', statics)).toEqual({
      text: '$$ ${none} ${ /static/model',
      faults: [],
    });
  });

  test('what was put in is not looked at again', () => {
    expect(filled('[{{static:loop}}]', both).text).toBe(`[${STATICS.get('loop')}]`);
    expect(filled('[${id}]', both).text).toBe(`[${TEMPLATES.get('id')}]`);
    fc.assert(
      fc.property(words, words, words, (before, value, after) => {
        const clean = (text: string) => text.replaceAll(/[{}$\\]/g, '');
        const filler = { statics: new Map([['key', value]]), templates: new Map([['key', value]]) };
        const text = `${clean(before)}{{static:key}}|\${key}${clean(after)}`;
        expect(filled(text, filler)).toEqual({
          text: `${clean(before)}${value}|${value}${clean(after)}`,
          faults: [],
        });
      }),
    );
  });

  test('a backslash makes a placeholder literal, two dollars one', () => {
    expect(filled('\\{{static:model}} $${id} $$$$ $ $x', both)).toEqual({
      text: '{{static:model}} ${id} $$ $ $x',
      faults: [],
    });
    expect(filled('\\\\{{static:model}}', both).text).toBe('\\{{static:model}}');
  });

  test('what is written with escapes comes out as it was', () => {
    fc.assert(
      fc.property(words, (text) => {
        const escaped = text.replaceAll('$', '$$$$').replaceAll('{{static:', '\\{{static:');
        expect(filled(escaped, both)).toEqual({ text, faults: [] });
      }),
    );
  });

  test('what is not there is told with what is, and each of them', () => {
    const { text, faults } = filled(
      '{{static:modle}} {{static:model}} ${ids} {{static:}} {{static: model }}',
      both,
    );
    expect(text).toBe('{{static:modle}} /static/model ${ids} {{static:}} {{static: model }}');
    expect(faults).toEqual([
      '{{static:modle}} is no asset here: there is model, loop',
      '${ids} is no name here: there is id, id.path',
      '{{static:}} is no asset here: there is model, loop',
      '{{static: model }} is no asset here: there is model, loop',
    ]);
    expect(filled('{{static:constructor}}', { statics: new Map(), templates: null }).faults).toEqual([
      '{{static:constructor}} is no asset here: there is none',
    ]);
  });

  test('one that is meant in another way is told with that way', () => {
    const more = new Map([...TEMPLATES, ['data', '/inputs/data/data']]);
    const of = (text: string) => filled(text, { statics: STATICS, templates: more }).faults;
    expect(of('{{static:model/bin/run}} {{static:no/bin}} {{static:data}} ${model} ${HOME} ${home}')).toEqual(
      [
        '{{static:model/bin/run}} is no asset here: there is model, loop; what is in it comes after the braces: {{static:model}}/bin/run',
        '{{static:no/bin}} is no asset here: there is model, loop',
        '{{static:data}} is no asset here: there is model, loop; ${data} is one',
        '${model} is no name here: there is id, id.path, data; the asset is {{static:model}}',
        '${HOME} is no name here: there is id, id.path, data; $${HOME} leaves ${HOME} to the command',
        '${home} is no name here: there is id, id.path, data',
      ],
    );
    // What is told to work does.
    expect(filled('{{static:model}}/bin/run $${HOME}', both)).toEqual({
      text: '/static/model/bin/run ${HOME}',
      faults: [],
    });
  });

  test('one that is not closed is told', () => {
    expect(filled('a {{static:model', both).faults).toEqual(['{{static:model is not closed: }} is missing']);
    expect(filled('a ${id', both).faults).toEqual(['${id is not closed: } is missing']);
  });

  test('a long text is gone through once: looks do not grow with what was found', () => {
    const text = `${'x'.repeat(1000)}{{static:model}}`.repeat(1000);
    let looks = 0;
    const counted = {
      keys: () => STATICS.keys(),
      get(key: string) {
        looks++;
        return STATICS.get(key);
      },
    };
    expect(fillText(text, { statics: counted, templates: null }, () => {})).toBe(
      `${'x'.repeat(1000)}/static/model`.repeat(1000),
    );
    expect(looks).toBe(1000);
    const unclosed = '{{static:'.repeat(100_000);
    const faults: string[] = [];
    expect(fillText(unclosed, both, (words) => faults.push(words))).toBe(unclosed);
    expect(faults).toHaveLength(1);
  });
});
