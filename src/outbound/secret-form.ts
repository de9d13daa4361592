/** So many of the first characters are looked for by a regular expression; the rest is compared there. */
const SOUGHT = 8;

/** A text of which each character may be written in several ways. */
export class SecretForm {
  readonly #characters: readonly (readonly string[])[];
  readonly #beginning: RegExp;
  /** Characters of the longest writing of the whole. */
  readonly longest: number;
  /** With which characters a writing begins. */
  readonly firsts: readonly string[];

  /** `characters`: how each may be written, in their order. */
  constructor(characters: readonly (readonly string[])[]) {
    this.#characters = characters;
    this.#beginning = new RegExp(characters.slice(0, SOUGHT).map(anyOf).join(''), 'g');
    this.longest = characters.reduce((sum, ways) => sum + Math.max(...ways.map(({ length }) => length)), 0);
    this.firsts = [...new Set((characters[0] ?? []).map((way) => way.slice(0, 1)))];
  }

  /** From where to where it stands, also where one begins within another. */
  *places(text: string): Generator<{ from: number; to: number }> {
    for (let at = 0; ; at++) {
      this.#beginning.lastIndex = at;
      const found = this.#beginning.exec(text);
      if (found === null) return;
      at = found.index;
      const { to } = this.#match(text, at);
      if (to !== null) yield { from: at, to };
    }
  }

  /** Does more text decide whether it stands here, or how far. */
  isOpenAt(text: string, from: number): boolean {
    return this.#match(text, from).open;
  }

  /** One way to write a character may begin another: all are followed. */
  #match(text: string, from: number): { to: number | null; open: boolean } {
    let ends = [from];
    let open = false;
    for (const ways of this.#characters) {
      const next: number[] = [];
      for (const end of ends)
        for (const way of ways)
          if (text.startsWith(way, end)) {
            if (!next.includes(end + way.length)) next.push(end + way.length);
          } else open ||= end + way.length > text.length && way.startsWith(text.slice(end));
      if (next.length === 0) return { to: null, open };
      ends = next;
    }
    return { to: Math.max(...ends), open };
  }
}

function anyOf(ways: readonly string[]): string {
  return `(?:${ways.map((way) => way.replace(/[^\w]/g, '\\$&')).join('|')})`;
}
