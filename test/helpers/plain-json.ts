/** A value as it was written, members in their order, which can be told from every other one. */
export type Told = string | number | boolean | null | { list: Told[] } | { members: [string, Told][] };

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** Reads a JSON text character by character, and nothing else: what other readers are held against. */
export function plainJson(text: string): Told {
  let at = 0;
  const space = (): void => {
    while (/[\t\n\r ]/.test(text[at] ?? '')) at++;
  };
  const string = (): string => {
    let read = '';
    for (at++; text[at] !== '"'; at++) {
      if (text[at] !== '\\') read += text[at];
      else if (text[++at] === 'u') {
        read += String.fromCharCode(Number.parseInt(text.slice(at + 1, at + 5), 16));
        at += 4;
      } else read += ESCAPES[text[at] as string] ?? text[at];
    }
    at++;
    return read;
  };
  /** Calls for each member of what begins here. */
  const each = (end: string, take: () => void): void => {
    at++;
    for (space(); text[at] !== end; space()) {
      if (text[at] === ',') at++;
      space();
      take();
    }
    at++;
  };
  const value = (): Told => {
    space();
    if (text[at] === '"') return string();
    if (text[at] === '[') {
      const list: Told[] = [];
      each(']', () => list.push(value()));
      return { list };
    }
    if (text[at] === '{') {
      const members = new Map<string, Told>();
      each('}', () => {
        const name = string();
        space();
        at++; // the colon
        members.set(name, value());
      });
      return { members: inOrder([...members]) };
    }
    const word = /[^\t\n\r ,\]}]+/y;
    word.lastIndex = at;
    const [read] = word.exec(text) ?? [''];
    at += read.length;
    return read === 'null' ? null : read === 'true' ? true : read === 'false' ? false : Number(read);
  };
  return value();
}

/** What another reader made of it. */
export function toldOf(value: unknown): Told {
  if (Array.isArray(value)) return { list: value.map(toldOf) };
  if (typeof value !== 'object' || value === null) return value as Told;
  if (Object.getPrototypeOf(value) !== Object.prototype) throw new Error('it has another prototype');
  return { members: Object.entries(value).map(([name, member]) => [name, toldOf(member)]) };
}

/** As objects have them: numbers first, the others as they came. */
function inOrder(members: [string, Told][]): [string, Told][] {
  const isIndex = (name: string): boolean => /^(?:0|[1-9]\d*)$/.test(name) && Number(name) < 2 ** 32 - 1;
  const indexes = members.filter(([name]) => isIndex(name));
  return [
    ...indexes.sort(([one], [other]) => Number(one) - Number(other)),
    ...members.filter(([name]) => !isIndex(name)),
  ];
}
