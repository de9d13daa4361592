import type { SecretForm } from './secret-form.ts';

const MASK = '[redacted]';

/** From where to where in a text; `told`: its mask was put before what is at hand. */
interface Stretch {
  from: number;
  to: number;
  told: boolean;
}

/**
 * Puts a mask for every form of a secret in a text that comes in pieces, cut anywhere: forms that overlap have one
 * together. What may be the beginning of a form is held back until it is known, which is never more than the longest form
 * less one character. What comes out is the same however the text was cut.
 */
export class Masking {
  readonly #forms: readonly SecretForm[];
  readonly #longest: number;
  readonly #firsts: ReadonlySet<string>;
  #held = '';
  /** So many characters of what is held belong to a mask that was put. */
  #covered = 0;

  constructor(forms: readonly SecretForm[]) {
    this.#forms = forms;
    this.#longest = Math.max(0, ...forms.map(({ longest }) => longest));
    this.#firsts = new Set(forms.flatMap(({ firsts }) => firsts));
  }

  /** What may be told now. */
  take(piece: string): string {
    const text = this.#held + piece;
    return this.#tell(text, this.#beginningAt(text));
  }

  /** The rest: no more comes. */
  end(): string {
    return this.#tell(this.#held, this.#held.length);
  }

  /** Is anything held back. */
  get holds(): boolean {
    return this.#held !== '';
  }

  #tell(text: string, end: number): string {
    let told = '';
    let at = 0;
    let covered = 0;
    for (const { from, to, told: masked } of this.#stretches(text)) {
      if (from >= end && !masked) break;
      told += text.slice(at, from) + (masked ? '' : MASK);
      at = Math.min(to, end);
      covered = Math.max(0, to - end);
    }
    told += text.slice(at, end);
    this.#held = text.slice(end);
    this.#covered = covered;
    return told;
  }

  /** Where forms stand, in order; those that overlap are one. */
  #stretches(text: string): Stretch[] {
    const found: Stretch[] = this.#covered === 0 ? [] : [{ from: 0, to: this.#covered, told: true }];
    for (const form of this.#forms) {
      let last: Stretch | undefined;
      for (const { from, to } of form.places(text)) {
        if (last !== undefined && from < last.to) last.to = Math.max(last.to, to);
        else {
          last = { from, to, told: false };
          found.push(last);
        }
      }
    }
    found.sort((a, b) => a.from - b.from || Number(b.told) - Number(a.told));
    const merged: Stretch[] = [];
    for (const stretch of found) {
      const last = merged.at(-1);
      if (last !== undefined && stretch.from < last.to) last.to = Math.max(last.to, stretch.to);
      else merged.push(stretch);
    }
    return merged;
  }

  /** Where what may be the beginning of a form begins. */
  #beginningAt(text: string): number {
    for (let at = Math.max(0, text.length - this.#longest + 1); at < text.length; at++) {
      if (!this.#firsts.has(text.charAt(at))) continue;
      if (this.#forms.some((form) => form.isOpenAt(text, at))) return at;
    }
    return text.length;
  }
}

/** The same for a text that is whole. */
export function masked(text: string, forms: readonly SecretForm[]): string {
  const masking = new Masking(forms);
  return masking.take(text) + masking.end();
}

/** For one that goes on where it was cut: without what may be the beginning of a form. */
export function maskedBeginning(text: string, forms: readonly SecretForm[]): string {
  return new Masking(forms).take(text);
}
