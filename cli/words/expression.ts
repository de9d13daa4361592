import { InvalidArgumentError } from 'commander';

/** A regular expression of JavaScript. */
export function expression(text: string): RegExp {
  try {
    return new RegExp(text, 'u');
  } catch (error) {
    throw new InvalidArgumentError(`It is a regular expression: ${(error as Error).message}.`);
  }
}
