import { expect, test } from 'vitest';
import { leadOf, served, titleOf } from '../../../routes/answers/markdown.ts';

const addresses = new Map([
  ['README.md', 'docs/README.md'],
  ['docs/api.md', 'docs/api.md'],
  ['docs/runners/http.md', 'docs/runners/http.md'],
  ['openapi.yaml', 'openapi.yaml'],
]);

test.each([
  ['docs/api.md', '[a](runners/http.md#secrets)', '[a](runners/http.md#secrets)'],
  ['docs/runners/http.md', '[a\nb](../api.md)', '[a\nb](../api.md)'],
  ['docs/runners/http.md', '[a](../../openapi.yaml)', '[a](../../openapi.yaml)'],
  ['docs/api.md', '[a](../README.md)', '[a](README.md)'],
  ['README.md', '[a](docs/api.md), [b](docs/api.md)', '[a](api.md), [b](api.md)'],
  ['docs/api.md', '[`code`](../src/engine)', '`code`'],
  ['docs/api.md', '![a chart](chart.svg)', 'a chart'],
  [
    'docs/api.md',
    '[a](#here) [b](https://example.org/x.md) [c](/docs)',
    '[a](#here) [b](https://example.org/x.md) [c](/docs)',
  ],
  ['docs/api.md', '`[a](../gone.md)`', '`[a](../gone.md)`'],
  ['docs/api.md', '```sh\n[a](../gone.md)\n```\n[b](../gone.md)', '```sh\n[a](../gone.md)\n```\nb'],
])('in %s %j is served as %j', (source, text, shown) => {
  expect(served(text, source, addresses)).toBe(shown);
});

test('a page has a title and a first sentence, where it begins with one', () => {
  expect(titleOf('# A page\n\nIt is')).toBe('A page');
  expect(leadOf('# A\n\nIt [does](b.md) what\nit says. And more.\n')).toBe('It does what it says');
  expect(leadOf('# A\n\n```json\n{}\n```\n')).toBeNull();
  expect(leadOf('# A\n\n| a | b |\n')).toBeNull();
  expect(leadOf('# A')).toBeNull();
});
