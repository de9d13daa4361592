import { randomBytes } from 'node:crypto';
import { endOfText } from './json-text.ts';

/** What a name can't have without an escape. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NEEDS_ESCAPE = /["\\\u0000-\u001f]/;
const [SPACE, COLON] = [0x20, 0x3a];
const OWN = { writable: true, enumerable: true, configurable: true };

/**
 * JSON.parse that gets each name right. That of V8 13.6 to 14.6 (Node 24 to 26) takes a name with an escape for one that
 * it saw before at this place of an object, if that one has a backslash and is how the new one begins as it is written:
 * after `{"a":1,"\\":2}` it reads `{"a":1,"\"":2}` as the same. So no name with an escape is given to it.
 * Throws SyntaxError as JSON.parse does. Costs no stack.
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return escapedName(text, 0) === null ? value : parseRewritten(text);
}

/** Where the next name begins and ends that is written with an escape, in a text that JSON.parse has taken. */
function escapedName(text: string, from: number): [number, number] | null {
  for (let slash = text.indexOf('\\', from); slash !== -1; ) {
    const end = endOfText(text, slash);
    let at = end;
    while (text.charCodeAt(at) <= SPACE) at++;
    if (text.charCodeAt(at) === COLON) return [text.lastIndexOf('"', slash), end];
    slash = text.indexOf('\\', at);
  }
  return null;
}

/** Names are written without their escapes, and where they can't be as a mark and a number, which become them later. */
function parseRewritten(text: string): unknown {
  const places: [number, number][] = [];
  for (let place = escapedName(text, 0); place !== null; place = escapedName(text, place[1]))
    places.push(place);
  // Of texts in a list no name is made.
  const names = JSON.parse(`[${places.map(([start, end]) => text.slice(start, end)).join(',')}]`) as string[];
  let mark: string;
  do mark = randomBytes(9).toString('base64url');
  while (text.includes(mark));

  const marked = new Map<string, string>();
  const parts: string[] = [];
  let from = 0;
  for (const [index, name] of names.entries()) {
    const [start, end] = places[index] as [number, number];
    let written = name;
    if (NEEDS_ESCAPE.test(name)) {
      written = marked.get(name) ?? `${mark}${marked.size}`;
      marked.set(name, written);
    }
    parts.push(text.slice(from, start + 1), written);
    from = end - 1;
  }
  parts.push(text.slice(from));
  const value: unknown = JSON.parse(parts.join(''));
  if (marked.size === 0) return value;
  return renamed(value, new Map(Array.from(marked, ([name, written]) => [written, name] as const)));
}

type Container = Record<string | number, unknown>;

/** Each member in its place, by its true name. */
function renamed(value: unknown, trueNames: ReadonlyMap<string, string>): unknown {
  const whole: Container = { value };
  const left = [whole];
  for (let container = left.pop(); container !== undefined; container = left.pop()) {
    const names = Array.isArray(container) ? null : Object.keys(container);
    const count = names?.length ?? (container as unknown as unknown[]).length;
    for (let at = 0; at < count; at++) {
      const name = names?.[at] ?? at;
      const member = container[name];
      if (typeof member !== 'object' || member === null) continue;
      const right = rightlyNamed(member as Container, trueNames);
      if (right !== member) container[name] = right;
      left.push(right);
    }
  }
  return whole.value;
}

function rightlyNamed(container: Container, trueNames: ReadonlyMap<string, string>): Container {
  if (Array.isArray(container)) return container;
  const given = Object.keys(container);
  if (!given.some((name) => trueNames.has(name))) return container;
  const right: Container = {};
  for (const name of given) {
    const value = container[name];
    if (name === '__proto__') Object.defineProperty(right, name, { ...OWN, value });
    else right[trueNames.get(name) ?? name] = value;
  }
  return right;
}
