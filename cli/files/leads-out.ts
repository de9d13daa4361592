/** As many as Linux follows: who comes to more has an error, and is not outside. */
const MOST_LINKS = 40;

/** The text of a link in a tree, by its path there. Null: there is none. */
export type TextOf = (path: string) => string | null;

/** Does a link in a tree lead out of it, by its text or over other links. */
export function leadsOut(path: string, textOf: TextOf): boolean {
  const at: string[] = path.split('/').slice(0, -1);
  const left = [path.slice(path.lastIndexOf('/') + 1)];
  for (let links = 0; left.length > 0; ) {
    const name = left.pop() ?? '';
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (at.pop() === undefined) return true;
      continue;
    }
    const text = textOf([...at, name].join('/'));
    if (text === null) {
      at.push(name);
      continue;
    }
    if (++links > MOST_LINKS) return false;
    if (text.startsWith('/')) return true;
    left.push(...text.split('/').reverse());
  }
  return false;
}
