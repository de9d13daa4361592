import { InvalidArgumentError } from 'commander';

export interface Pairs {
  [name: string]: string;
}

/** `NAME=VALUE`, again and again: for commander, which hands in what came before. */
export function pair(text: string, before: Pairs = {}): Pairs {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It is NAME=VALUE.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** The same; a NAME alone has the value that it has here, and is left out where it has none. */
export function variable(text: string, before: Pairs = {}): Pairs {
  if (text.includes('=') || text === '') return pair(text, before);
  const value = process.env[text];
  return value === undefined ? before : { ...before, [text]: value };
}

export const several = (text: string, before: string[] = []): string[] => [...before, text];

export function object(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError('It is an object in JSON.');
}

export function count(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a number of things.');
}
