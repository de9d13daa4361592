import { SecretForm } from './secret-form.ts';

export type { SecretForm } from './secret-form.ts';

/** Shorter values would be found in any text. */
const SHORTEST = 4;

/**
 * Every form in which secret values were sent or may come back: as they are, in a URL or a form, in JSON, in HTML, in base64
 * with whatever stands before and after them. How each character is written is taken one by one, for which are escaped,
 * and with which letters, is a matter of who writes. Values of less than 4 characters have none.
 */
export function secretForms(values: readonly string[]): SecretForm[] {
  return [...new Set(values)].filter((value) => value.length >= SHORTEST).flatMap(formsOf);
}

function formsOf(value: string): SecretForm[] {
  const encoded = new Set([base64(value), ...withinBase64(value)]);
  return [formOf(value, inText), ...[...encoded].map((text) => formOf(text, inBase64))];
}

function formOf(text: string, meant: (character: string) => readonly string[]): SecretForm {
  return new SecretForm([...text].map((character) => [...new Set(meant(character).flatMap(waysToWrite))]));
}

/** A space is a plus in a form. */
const inText = (character: string): readonly string[] => (character === ' ' ? [' ', '+'] : [character]);

/** The alphabets of RFC 4648, 4 and 5. */
const inBase64 = (character: string): readonly string[] => {
  const other = { '+': '-', '/': '_' }[character];
  return other === undefined ? [character] : [character, other];
};

const HTML: Readonly<Record<string, readonly string[]>> = {
  '&': ['&amp;'],
  '<': ['&lt;'],
  '>': ['&gt;'],
  '"': ['&quot;'],
  "'": ['&apos;'],
};

/** How one printable ASCII character is written; what JSON escapes, once more where JSON is text within JSON. */
function waysToWrite(character: string): string[] {
  const code = character.charCodeAt(0);
  const hex = code.toString(16);
  const inJson = ['"', '\\', '/'].includes(character) ? [`\\${character}`] : [];
  const once = [
    character,
    ...inJson,
    ...eitherCase(hex, (digits) => [`\\u00${digits}`, `%${digits}`, `%25${digits}`]),
    ...(HTML[character] ?? []),
    ...(/[\w.~-]/.test(character) ? [] : [`&#${code};`, ...eitherCase(hex, (digits) => [`&#x${digits};`])]),
  ];
  return [...once, ...once.map((text) => JSON.stringify(text).slice(1, -1))];
}

function eitherCase(hex: string, write: (digits: string) => string[]): string[] {
  return [...write(hex), ...write(hex.toUpperCase())];
}

/** What of base64 is the same for whatever stands before and after the value in the text that was encoded. */
function withinBase64(value: string): string[] {
  return [0, 1, 2]
    .map((before) => {
      const text = base64(`${' '.repeat(before)}${value}`);
      const bytes = before + Buffer.byteLength(value);
      // Characters that hold bits of a neighbour too are left out.
      return text.slice(Math.ceil((before * 8) / 6), Math.floor((bytes * 8) / 6));
    })
    .filter((form) => form.length >= SHORTEST * 2);
}

function base64(value: string): string {
  return Buffer.from(value).toString('base64');
}
