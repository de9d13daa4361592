import { parseJson } from './json-parse.ts';
import { endOfText } from './json-text.ts';

const SPACE = /[\t\n\r ]*/y;
const PRIMITIVE = /[^\t\n\r ,\]}]+/y;

/**
 * The text of the value at a path of a JSON text that JSON.parse has taken, as it stands there; undefined where there is
 * none. Names and indexes as JSON.parse has them: of a name that is there twice the last counts. Nothing is built of what
 * is passed over, and depth costs no stack.
 */
export function sourceAt(json: string, path: readonly string[]): string | undefined {
  let [start, end] = [after(json, 0), 0];
  end = endOf(json, start);
  for (const step of path) {
    const found = memberAt(json, start, step);
    if (found === null) return undefined;
    [start, end] = found;
  }
  return json.slice(start, end);
}

/** Where the member of an object or array begins and ends. Null: it has none of this name. */
function memberAt(json: string, start: number, name: string): [number, number] | null {
  const isObject = json[start] === '{';
  if (!isObject && json[start] !== '[') return null;
  let found: [number, number] | null = null;
  let at = after(json, start + 1);
  for (let index = 0; json[at] !== '}' && json[at] !== ']'; index++) {
    let key = String(index);
    if (isObject) {
      const keyEnd = endOf(json, at);
      key = parseJson(json.slice(at, keyEnd)) as string;
      at = after(json, after(json, keyEnd) + 1); // behind the colon
    }
    const end = endOf(json, at);
    if (key === name) found = [at, end];
    at = after(json, end);
    if (json[at] === ',') at = after(json, at + 1);
  }
  return found;
}

/** Behind the value that begins here. */
function endOf(json: string, start: number): number {
  const first = json[start];
  if (first === '"') return endOfText(json, start);
  if (first !== '{' && first !== '[') {
    PRIMITIVE.lastIndex = start;
    PRIMITIVE.test(json);
    return PRIMITIVE.lastIndex;
  }
  let depth = 0;
  for (let at = start; ; at++) {
    const code = json.charCodeAt(at);
    if (code === 0x22) at = endOfText(json, at) - 1;
    else if (code === 0x7b || code === 0x5b) depth++;
    else if ((code === 0x7d || code === 0x5d) && --depth === 0) return at + 1;
  }
}

function after(json: string, at: number): number {
  SPACE.lastIndex = at;
  SPACE.test(json);
  return SPACE.lastIndex;
}
