import type { IncomingMessage } from 'node:http';
import { parseJson } from '../../src/platform/json-parse.ts';
import { type DockerDaemon, statusOf } from './daemon.ts';

/** Of Go's file modes. */
const LINK = 2 ** 27;

/** What is at a path in a container. */
export interface StatInside {
  /** Permission bits. */
  mode: number;
  isLink: boolean;
}

/** Null: there is nothing. */
export async function statIn(daemon: DockerDaemon, id: string, path: string): Promise<StatInside | null> {
  try {
    const answer = (await daemon.ask((docker) =>
      docker.getContainer(id).infoArchive({ path }),
    )) as IncomingMessage;
    answer.resume();
    const stat = Buffer.from(String(answer.headers['x-docker-container-path-stat'] ?? ''), 'base64');
    const { mode } = parseJson(stat.toString()) as { mode: number };
    return { mode: mode & 0o777, isLink: (mode & LINK) !== 0 };
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
}
