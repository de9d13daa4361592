import { posix } from 'node:path';

/** Where each source is read by clients: paths of the repository to addresses of the server, without `/` before them. */
export type Addresses = ReadonlyMap<string, string>;

/** Blocks of code, code within a line, and links with or without `!` before them. */
const PARTS =
  /^```[\s\S]*?^```|`[^`\n]+`|(?<image>!?)\[(?<words>(?:[^\]\\]|\\.)*)\]\((?<target>[^()\s]+)\)/gm;

/**
 * The text of a source as it is served: links lead from its address to that of the other. One to what is not served
 * is its words alone.
 */
export function served(text: string, source: string, addresses: Addresses): string {
  const own = posix.dirname(addresses.get(source) ?? source);
  return text.replace(PARTS, (...parts) => {
    const { image, words, target } = parts.at(-1) as { image?: string; words?: string; target?: string };
    const whole = parts[0] as string;
    if (target === undefined || words === undefined || /^([a-z]+:|[#/])/i.test(target)) return whole;
    const [path = '', fragment] = target.split('#', 2);
    const address = addresses.get(posix.join(posix.dirname(source), path));
    if (address === undefined) return words;
    return `${image}[${words}](${posix.relative(own, address)}${fragment === undefined ? '' : `#${fragment}`})`;
  });
}

/** The first heading. */
export function titleOf(text: string): string | null {
  return /^# (.+)$/m.exec(text)?.[1] ?? null;
}

/** The first sentence below the first heading, without links; null: what stands there is no prose. */
export function leadOf(text: string): string | null {
  const [, paragraph = ''] = text.split(/\n\n+/, 2);
  if (!/^[\p{L}`*[]/u.test(paragraph) || paragraph.startsWith('```')) return null;
  const plain = withoutLinks(paragraph).replaceAll(/\s+/g, ' ');
  return /^.*?[.:](?= |$)/.exec(plain)?.[0].replace(/[.:]$/, '') ?? plain;
}

export function withoutLinks(text: string): string {
  return text.replaceAll(/!?\[((?:[^\]\\]|\\.)*)\]\([^()\s]+\)/g, '$1');
}
