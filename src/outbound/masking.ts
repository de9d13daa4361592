/** Shorter values would be found in any text. */
const SHORTEST = 4;

const MASK = '[redacted]';

/**
 * Takes secret values out of text, in every form in which they were sent or may come back: as they are, in a URL, in
 * JSON, in base64 with whatever stands before and after them. Values of less than 4 characters are left.
 */
export function masking(values: readonly string[]): (text: string) => string {
  const forms = values.filter((value) => value.length >= SHORTEST).flatMap(formsOf);
  // Longest first: a form may be part of another.
  const ordered = [...new Set(forms)].sort((a, b) => b.length - a.length);
  return (text) => ordered.reduce((rest, form) => rest.replaceAll(form, MASK), text);
}

function formsOf(value: string): string[] {
  const inJson = JSON.stringify(value).slice(1, -1);
  return [value, base64(value), encodeURIComponent(value), inJson, ...withinBase64(value)];
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
