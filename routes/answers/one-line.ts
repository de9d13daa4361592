/** What ends a line to readers that go by Unicode and JSON leaves as it is, with what stands for it in a string. */
const BREAKS = [
  ['\u0085', '\\u0085'],
  ['\u2028', '\\u2028'],
  ['\u2029', '\\u2029'],
] as const;

/**
 * The same JSON without line breaks of Unicode: whoever splits lines, by whatever rule, splits where ours end. A text
 * that has none is given back as it is; the search costs next to nothing, which a pattern's would not.
 */
export function unbroken(json: string): string {
  let text = json;
  for (const [character, escaped] of BREAKS)
    if (text.includes(character)) text = text.replaceAll(character, escaped);
  return text;
}
