/** As many as Linux follows. */
const MOST_LINKS = 40;

/** Links that lead to each other, or more of them on one way than a system follows. */
export class LinkLoop extends Error {}

/**
 * Where an absolute path leads in a tree that is not this machine's: `linkAt` tells the text of a link there, and null
 * for what is none; `last`: nothing of the path comes after it. Throws LinkLoop, and what `linkAt` throws.
 */
export async function followLinks(
  path: string,
  linkAt: (path: string, last: boolean) => string | null | Promise<string | null>,
): Promise<string> {
  const left = path.split('/').reverse();
  let at = '';
  for (let links = 0; left.length > 0; ) {
    const name = left.pop() as string;
    if (name === '..') at = at.slice(0, Math.max(0, at.lastIndexOf('/')));
    if (name === '' || name === '.' || name === '..') continue;
    const next = `${at}/${name}`;
    const text = await linkAt(next, left.length === 0);
    if (text === null) {
      at = next;
      continue;
    }
    if (++links > MOST_LINKS) throw new LinkLoop();
    if (text.startsWith('/')) at = '';
    left.push(...text.split('/').reverse());
  }
  return at || '/';
}
