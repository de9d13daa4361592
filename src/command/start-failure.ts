import { codeOf, messageOf } from '../platform/error-words.ts';

/** Why the server does not listen, with what to set. */
export function whyNotListening(error: unknown, { host, port }: { host: string; port: number }): string {
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return `port ${port} of ${host} is in use: choose another with --port or RUNWIRE_PORT (0 = any free one)`;
    case 'EACCES':
      return `port ${port} may not be listened on by this user: choose one from 1024 on with --port or RUNWIRE_PORT`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${host} is no address of this machine: choose one with --host or RUNWIRE_HOST`;
    default:
      return messageOf(error);
  }
}
