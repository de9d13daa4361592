import fc from 'fast-check';

/** Ids that mean something else to a path, a URL, a header, a file system, a terminal or a line. */
export const NASTY_IDS: readonly string[] = [
  'a/b',
  '../../etc/passwd',
  '/',
  '..%2f..',
  '%2F',
  '%00',
  '%',
  'a#b?c&d=e;f',
  ' led and trailed ',
  '...',
  'trailing.',
  '~',
  'back\\slash',
  '"quoted" \'and\' <tagged>',
  '😀👩‍👩‍👧',
  'e\u0301',
  'é',
  'UPPER',
  'upper',
  'a\u2028b\u202ec\u2029',
  '__proto__',
  'x:y*|z',
  '\u{10ffff}\ufffe\ufeff',
  '{run_id}$&$1',
  'a'.repeat(256),
  '😀'.repeat(64),
];

const piece = fc.oneof(
  fc.constantFrom(...'/%#?&=.\\ ~:;+@*"\'<>|$`{}[]()!-_,aZ0é😀'),
  fc.constantFrom('%2F', '%2e', '%00', '..', 'e\u0301', '\u2028', '\u202e', '\u00ad', '/invocations/', 'sha'),
  fc.string({ unit: 'binary', maxLength: 3 }),
);

/** Any id of RxP that this server takes. */
export const rxpId = fc
  .array(piece, { minLength: 1, maxLength: 30 })
  .map((pieces) => pieces.join('').replaceAll(/\p{Cc}/gu, '-'))
  .filter(
    (id) => id !== '' && id !== '.' && id !== '..' && id.isWellFormed() && Buffer.byteLength(id) <= 256,
  );
