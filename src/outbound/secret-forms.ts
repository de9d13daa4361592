/** Shorter values would be found in any text. */
const SHORTEST = 4;

/**
 * Every form in which secret values were sent or may come back: as they are, in a URL, in JSON, in base64 with whatever
 * stands before and after them. Values of less than 4 characters have none.
 */
export function secretForms(values: readonly string[]): string[] {
  return [...new Set(values.filter((value) => value.length >= SHORTEST).flatMap(formsOf))];
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
