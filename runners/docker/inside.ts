import type { IncomingMessage } from 'node:http';
import { parseJson } from '../../src/platform/json-parse.ts';
import { type DockerDaemon, statusOf } from './daemon.ts';

/** Of Go's file modes; without any of them it is a file. */
const DIRECTORY = 2 ** 31;
const LINK = 2 ** 27;
const OTHERS = [2 ** 26, 2 ** 25, 2 ** 24, 2 ** 21, 2 ** 19];

/** What is at a path in a container. */
export interface StatInside {
  /** Permission bits. */
  mode: number;
  isLink: boolean;
  type: 'file' | 'directory' | 'link' | 'other';
  /** Of a link: where it ends, over others. */
  target: string | null;
}

/** Null: there is nothing. */
export async function statIn(daemon: DockerDaemon, id: string, path: string): Promise<StatInside | null> {
  try {
    const answer = (await daemon.ask((docker) =>
      docker.getContainer(id).infoArchive({ path }),
    )) as IncomingMessage;
    answer.resume();
    const stat = Buffer.from(String(answer.headers['x-docker-container-path-stat'] ?? ''), 'base64');
    const { mode, linkTarget } = parseJson(stat.toString()) as { mode: number; linkTarget?: string };
    const type = typeOf(mode);
    const isLink = type === 'link';
    return { mode: mode & 0o777, isLink, type, target: isLink ? (linkTarget ?? '') : null };
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
}

function typeOf(mode: number): StatInside['type'] {
  // The bits are beyond what the operators of JavaScript take as positive numbers.
  const has = (bit: number): boolean => Math.floor(mode / bit) % 2 === 1;
  if (has(LINK)) return 'link';
  if (has(DIRECTORY)) return 'directory';
  return OTHERS.some(has) ? 'other' : 'file';
}
