import fc from 'fast-check';
import { expect, test } from 'vitest';
import { masked } from '../../../src/outbound/masking.ts';
import { secretForms } from '../../../src/outbound/secret-forms.ts';

/** One with a character of every sort, whose base64 has a plus and a slash. */
const SECRET = 'top secret+x/"\\&=~a?>~~?o';
const forms = secretForms([SECRET]);

const base64 = Buffer.from(SECRET).toString('base64');
const encoded = encodeURIComponent(SECRET);
const json = JSON.stringify(SECRET).slice(1, -1);

test('the secret of these tests is one that every writing changes', () => {
  expect(base64).toMatch(/\+.*\/|\/.*\+/);
  expect(new Set([SECRET, base64, encoded, json]).size).toBe(4);
});

test.each([
  ['as it is', SECRET],
  ['in a URL', encoded],
  ['in a URL, with small letters', encoded.replace(/%../g, (code) => code.toLowerCase())],
  ['in a URL, of which the path stays readable', encodeURI(SECRET)],
  ['in a URL, every character', [...Buffer.from(SECRET)].map((byte) => `%${byte.toString(16)}`).join('')],
  ['in a URL within a URL', encodeURIComponent(encoded)],
  ['in a form', new URLSearchParams({ a: SECRET }).toString().slice(2)],
  ['in a form within a URL', encodeURIComponent(new URLSearchParams({ a: SECRET }).toString().slice(2))],
  ['in JSON', json],
  ['in JSON, with slashes as PHP has them', json.replaceAll('/', '\\/')],
  ['in JSON within JSON', JSON.stringify(json).slice(1, -1)],
  [
    'in JSON, by numbers',
    [...SECRET].map((one) => `\\u00${one.charCodeAt(0).toString(16).toUpperCase()}`).join(''),
  ],
  ['in JSON, as Go has it', json.replaceAll('&', '\\u0026').replaceAll('>', '\\u003e')],
  ['in HTML', SECRET.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('>', '&gt;')],
  ['in HTML, by numbers', SECRET.replaceAll('"', '&#34;').replaceAll('>', '&#x3E;')],
  ['in base64', base64],
  ['in base64url', Buffer.from(SECRET).toString('base64url')],
  ['in base64 in a URL', encodeURIComponent(base64)],
  ['in base64 in JSON, with slashes as PHP has them', base64.replaceAll('/', '\\/')],
])('a secret is masked %s', (_name, text) => {
  expect(masked(`x: ${text};`, forms)).toMatch(/^x: \[redacted\][A-Za-z0-9]?;$/);
});

test('a secret is masked in base64url of a text that it is a part of', () => {
  for (const before of ['', 'B', 'Be', 'Bearer ']) {
    const text = Buffer.from(`${before}${SECRET}; and more`).toString('base64url');
    const told = masked(text, forms);
    expect(told).toContain('[redacted]');
    const rest = Buffer.from(told.replace('[redacted]', ''), 'base64url').toString('latin1');
    expect(rest).not.toContain(SECRET.slice(2, -2));
  }
});

const value = fc.string({
  unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)),
  minLength: 4,
});

test('a secret is masked where each character is written in any of the ways', () => {
  const way = fc.constantFrom(
    (one: string) => one,
    (one: string) => `%${one.charCodeAt(0).toString(16)}`,
    (one: string) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
    (one: string) => (one === ' ' ? '+' : one),
    (one: string) => JSON.stringify(one).slice(1, -1),
    (one: string) => `\\u00${one.charCodeAt(0).toString(16)}`,
  );
  fc.assert(
    fc.property(value, fc.array(way, { minLength: 1 }), (secret, ways) => {
      const text = [...secret].map((one, at) => ways[at % ways.length]?.(one)).join('');
      expect(masked(`(${text})`, secretForms([secret]))).toBe('([redacted])');
    }),
    { numRuns: 2000 },
  );
});
