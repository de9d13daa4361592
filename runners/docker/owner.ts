import { archiveAt, entriesOf } from './archive.ts';
import type { DockerDaemon } from './daemon.ts';

const MOST_BYTES = 1024 * 1024;

/** By numbers. */
export interface Owner {
  uid: number;
  gid: number;
}

/**
 * Who a container's user (`app`, `1000`, `app:staff`) is, as the engine finds it: in the container's own /etc/passwd and /etc/group.
 * One that is not there is told by the engine when the container is started.
 */
export async function ownerOf(daemon: DockerDaemon, id: string, user: string): Promise<Owner> {
  const [name = '', group] = user.split(':');
  const uid = numberOf(name);
  const gid = group === undefined ? null : numberOf(group);
  if (uid !== null && gid !== null) return { uid, gid };
  const known = lineOf(await fileIn(daemon, id, '/etc/passwd'), name, uid);
  const groups = group === undefined || gid !== null ? '' : await fileIn(daemon, id, '/etc/group');
  return {
    uid: numberOf(known?.[2]) ?? uid ?? 0,
    gid:
      gid ?? (group === undefined ? numberOf(known?.[3]) : numberOf(lineOf(groups, group, null)?.[2])) ?? 0,
  };
}

function numberOf(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : null;
}

/** The fields of the line of this name or number. */
function lineOf(text: string, name: string, number: number | null): string[] | undefined {
  const lines = text.split('\n').map((line) => line.split(':'));
  return lines.find((fields) => fields[0] === name || (number !== null && numberOf(fields[2]) === number));
}

/** What is in a small file of a container; '' where there is none. */
async function fileIn(daemon: DockerDaemon, id: string, path: string): Promise<string> {
  const archive = await archiveAt(daemon, id, path);
  if (archive === null) return '';
  for await (const { type, size, content } of entriesOf(archive)) {
    if (type !== 'file' || size > MOST_BYTES) return '';
    const chunks: Buffer[] = [];
    for await (const chunk of Buffer.isBuffer(content) ? [content] : content) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString();
  }
  return '';
}
