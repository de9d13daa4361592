/** What names stand for. */
export type Meanings = Pick<ReadonlyMap<string, string>, 'get' | 'keys'>;

/** What texts are filled with. Null: it is not looked for. */
export interface Filler {
  /** What `{{static:key}}` stands for, by key. */
  readonly statics: Meanings | null;
  /** What `${name}` stands for, by name. */
  readonly templates: Meanings | null;
  /** So many characters may still be put in; absent: any number. */
  readonly room?: { left: number };
}

/** As shells name theirs. */
const VARIABLE = /^[A-Z_][A-Z0-9_]*$/;
const MARK = '{{static:';
const CLOSE = '}}';
const MOST_SHOWN = 80;
const MOST_KNOWN = 1000;

/** Whatever may have to be put in or taken out, as far as its beginning tells. */
const STATICS = /\\?\{\{static:/g;
const TEMPLATES = /\$[${]/g;
const BOTH = /\\?\{\{static:|\$[${]/g;

/**
 * A text with what its placeholders and templates stand for, in one pass: what is put in is not looked at again. What cannot
 * be put in stays, and is told to `fault`.
 */
export function fillText(
  text: string,
  { statics, templates, room }: Filler,
  fault: (words: string) => void,
): string {
  const marks = statics && templates ? BOTH : statics ? STATICS : templates ? TEMPLATES : null;
  if (marks === null) return text;
  let filled = '';
  let from = 0;
  marks.lastIndex = 0;
  for (let found = marks.exec(text); found !== null; found = marks.exec(text)) {
    const { index } = found;
    const [mark] = found;
    const end = index + mark.length;
    const put = (value: string, to: number): void => {
      filled += text.slice(from, index) + value;
      from = to;
      marks.lastIndex = to;
    };
    if (mark.startsWith('\\')) put(MARK, end);
    else if (mark === '$$') put('$', end);
    else {
      const [known, close, what] =
        mark === MARK ? ([statics, CLOSE, 'asset'] as const) : ([templates, '}', 'name'] as const);
      const closed = text.indexOf(close, end);
      if (closed === -1) {
        fault(`${shown(text.slice(index))} is not closed: ${close} is missing`);
        break; // nor is any that comes after it
      }
      const name = text.slice(end, closed);
      const value = known?.get(name);
      if (value === undefined) {
        const whole = shown(text.slice(index, closed + close.length));
        const hint = what === 'asset' ? assetHint(name, statics, templates) : nameHint(whole, name, statics);
        fault(`${whole} is no ${what} here: ${listed(known)}${hint}`);
      }
      put(value ?? text.slice(index, closed + close.length), closed + close.length);
      if (room === undefined || value === undefined) continue;
      room.left -= value.length;
      if (room.left >= 0) continue;
      fault('is too long with what stands in it');
      break;
    }
  }
  return from === 0 ? text : filled + text.slice(from);
}

/** Of names that are meant in another way. */
function assetHint(name: string, statics: Meanings | null, templates: Meanings | null): string {
  const [key = '', ...below] = name.split('/');
  if (below.length > 0 && statics?.get(key) !== undefined)
    return `; what is in it comes after the braces: ${shown(`${MARK}${key}${CLOSE}/${below.join('/')}`)}`;
  return templates?.get(name) === undefined ? '' : `; \${${name}} is one`;
}

function nameHint(whole: string, name: string, statics: Meanings | null): string {
  if (statics?.get(name) !== undefined) return `; the asset is ${MARK}${name}${CLOSE}`;
  return VARIABLE.test(name) ? `; $${whole} leaves ${whole} to the command` : '';
}

function shown(text: string): string {
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text;
}

function listed(known: Meanings | null): string {
  const names = [...(known?.keys() ?? [])].join(', ');
  if (names === '') return 'there is none';
  return `there is ${names.length > MOST_KNOWN ? `${names.slice(0, MOST_KNOWN)}…` : names}`;
}
