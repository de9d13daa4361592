import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CallUrl, hasCredentials } from '../../../src/documents/call-url.ts';

test.each([
  ...['http://u:p@h/', 'http://u@h/', 'http://:p@h/', 'http://@h/', 'http://:@h/', 'HTTPS://u:p@h'],
  ...['http:u:p@h/', 'http:\\\\u:p@h/', 'http:////u:p@h/', ' \u0000http://u:p@h/', 'ht\ntp://u:p\t@h/'],
  ...[
    '//u:p@h/x',
    '\\\\u:p@h/x',
    '/\\u:p@h',
    'http://u:p@[',
    'ftp://u:p@h/',
    'http://{run_id}@h/',
    'http://u:p@h@i/',
  ],
])('%j has credentials, and is no URL to call', (text) => {
  expect(hasCredentials(text)).toBe(true);
  expect(CallUrl.safeParse(text).success).toBe(false);
});

test.each([
  ...[
    'http://h/@',
    'http://h/a@b',
    'http://h?to=a@b',
    'http://h#@',
    'https://h:8443/x?y#z',
    'http://[::1]/@',
  ],
])('%j has none, and is one', (text) => {
  expect(hasCredentials(text)).toBe(false);
  expect(CallUrl.safeParse(text).success).toBe(true);
});

test.each(['/jobs/{run_id}', 'jobs/me@here', '@me', '', '?q=a@b', '/@me//x@y'])(
  'the path %j has none',
  (text) => {
    expect(hasCredentials(text)).toBe(false);
  },
);

test('whatever URL finds credentials in has them', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'http:',
      'https:',
      'ftp:',
      '/',
      '\\',
      '//',
      '@',
      ':',
      'u',
      'p',
      'h',
      '?',
      '#',
      ' ',
      '\t',
      '\n',
    ),
    fc.constantFrom('\u0000', '[::1]', '%40', '.', '{run_id}', 'é', '\u3000', '\u00ad'),
  );
  const text = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(text, fc.constantFrom('http://base/', 'https://base/'), (address, base) => {
      fc.pre(URL.canParse(address, base));
      const { username, password } = new URL(address, base);
      if (username !== '' || password !== '') expect(hasCredentials(address)).toBe(true);
    }),
    { numRuns: 5000 },
  );
});
