const PLAIN = /^[\x20-\x7e]*$/;
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{17000}-\u{18d08}\u{1aff0}-\u{1b2fb}\u{20000}-\u{3fffd}]/u;
/** As a picture, by itself or because it is said: two columns, whatever it is made of. */
const PICTURE =
  /^(\p{Emoji_Presentation}|\p{Regional_Indicator}|\p{Extended_Pictographic}\ufe0f|[#*0-9]\ufe0f)/u;
const UNSEEN = /^[\p{Mn}\p{Me}\p{Cf}]/u;

const characters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Columns that a terminal needs for a text without control characters. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of characters.segment(text)) width += widthOfOne(segment);
  return width;
}

/** So much of the text as goes into so many columns, the last of them a … where not all does. */
export function cut(text: string, columns: number): string {
  if (text.length <= columns && PLAIN.test(text)) return text;
  if (widthOf(text) <= columns) return text;
  let kept = '';
  let width = 1;
  for (const { segment } of characters.segment(text)) {
    width += widthOfOne(segment);
    if (width > columns) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** The text in lines of so many columns, `most` of them at most; the last ends with a … where not all is there. */
export function wrap(text: string, columns: number, most: number): string[] {
  const lines = [''];
  let width = 0;
  for (const { segment } of characters.segment(text)) {
    const wide = widthOfOne(segment);
    if (width + wide > columns) {
      if (lines.length === most) return [...lines.slice(0, -1), cut(`${lines.at(-1)}${segment}`, columns)];
      lines.push('');
      width = 0;
    }
    lines[lines.length - 1] += segment;
    width += wide;
  }
  return lines;
}

function widthOfOne(character: string): number {
  if (character.length === 1 && character < '\x7f') return 1;
  if (PICTURE.test(character) || WIDE.test(character)) return 2;
  return UNSEEN.test(character) ? 0 : 1;
}
