import { readFileSync } from 'node:fs';

/** Architectures of images, in the engine's words, and our word for each. */
const BUILT: Readonly<Record<string, string>> = { amd64: 'x64', arm64: 'arm64' };

/** Where the keeper lies in a container, in a directory that every user may write to. */
export const KEEPER_DIRECTORY = '/.runwire';
export const KEEPER_PATH = `${KEEPER_DIRECTORY}/keeper`;

/** The keeper for an image of this architecture; null: there is none. */
export function keeperBinary(architecture: string): Buffer | null {
  const name = Object.hasOwn(BUILT, architecture) ? BUILT[architecture] : undefined;
  return name === undefined ? null : readFileSync(new URL(`./keeper-${name}`, import.meta.url));
}
