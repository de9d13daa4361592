import { posix } from 'node:path';
import { type Addresses, leadOf, titleOf, withoutLinks } from './markdown.ts';

/** What stands in the repository, by path. */
export type Texts = ReadonlyMap<string, string>;

const README = 'README.md';

/**
 * An index for who reads with a language model, in the form of llmstxt.org. What README lists is the documentation, with
 * the words it has there; the other pages are optional.
 */
export function llmsText(texts: Texts, addresses: Addresses): string {
  const readme = texts.get(README) ?? '';
  const line = (source: string, words: string | null): string[] => {
    const address = addresses.get(source);
    if (address === undefined) return [];
    const title = titleOf(texts.get(source) ?? '') ?? posix.basename(source);
    return [`- [${title}](${address})${words === null ? '' : `: ${words}`}`];
  };
  const listed = new Map([[README, 'what it is, and a tour with curl'], ...listedIn(readme, texts)]);
  const others = [...texts.keys()].filter((source) => !listed.has(source));
  return [
    `# ${titleOf(readme) ?? 'Runwire'}`,
    `\n> ${summaryOf(readme)}`,
    '\nPages are Markdown. Addresses are relative to that of this file.',
    '\n## Documentation\n',
    '- [OpenAPI](openapi.yaml): every operation and document of the HTTP interface',
    ...[...listed].flatMap(([source, words]) => line(source, words)),
    '\n## Optional\n',
    ...others.flatMap((source) => line(source, leadOf(texts.get(source) ?? ''))),
    '',
  ].join('\n');
}

function summaryOf(readme: string): string {
  return (readme.split(/\n\n+/, 2)[1] ?? '').replaceAll(/\s+/g, ' ');
}

/** Pages of the table of README, in its order, with its words; a directory stands for all in it, each with its own. */
function listedIn(readme: string, texts: Texts): [source: string, words: string | null][] {
  const rows = [...readme.matchAll(/^\| (\[.+?) \| (.+) \|$/gm)];
  return rows.flatMap(([, links = '', words = '']) =>
    [...links.matchAll(/\]\(([^()\s]+)\)/g)].flatMap(([, target = '']): [string, string | null][] => {
      const path = target.replace(/\/$/, '');
      if (texts.has(path)) return [[path, withoutLinks(words)]];
      const inside = [...texts].filter(([source]) => posix.dirname(source) === path);
      return inside.map(([source, text]) => [source, leadOf(text)]);
    }),
  );
}
