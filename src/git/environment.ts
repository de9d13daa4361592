import { dirname } from 'node:path';
import type { GitAddress } from './address.ts';

export interface GitSettings {
  /** Absolute path of the program. */
  git: string;
  /** An empty directory. */
  home: string;
  address: GitAddress;
  /** What the host resolved to and the guard allows. */
  addresses: readonly string[];
  authorization: string | null;
  /** File of certificate authorities, PEM. */
  authorities: string;
}

const MIB = 1024 ** 2;

/**
 * All that git learns of the world: nothing is of the server's own environment, of the machine's configuration or of
 * the user's. What is set here is in no file, and so in no repository that is made.
 */
export function gitEnvironment(settings: GitSettings): Record<string, string> {
  const pairs = configuration(settings);
  const numbered = pairs.flatMap(([key, value], n) => [
    [`GIT_CONFIG_KEY_${n}`, key],
    [`GIT_CONFIG_VALUE_${n}`, value],
  ]);
  return {
    ...bareEnvironment(settings.git, settings.home),
    GIT_CONFIG_COUNT: String(pairs.length),
    ...Object.fromEntries(numbered),
  };
}

export function bareEnvironment(git: string, home: string): Record<string, string> {
  return {
    PATH: `${dirname(git)}:/usr/local/bin:/usr/bin:/bin`,
    HOME: home,
    XDG_CONFIG_HOME: home,
    LC_ALL: 'C.UTF-8',
    LANGUAGE: 'en',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_ALLOW_PROTOCOL: 'https:http',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
  };
}

function configuration(settings: GitSettings): [string, string][] {
  const { address, addresses, authorization, authorities } = settings;
  const resolved = addresses.map((each) => (each.includes(':') ? `[${each}]` : each)).join(',');
  return [
    ['http.curloptResolve', `${address.host}:${address.port}:${resolved}`],
    // Whatever else git might look for is where it was to go.
    ['http.curloptResolve', `*:${address.port}:${resolved}`],
    ['http.followRedirects', 'false'],
    ['http.proxy', ''],
    ['http.sslVerify', 'true'],
    ['http.sslCAInfo', authorities],
    ...(authorization === null
      ? []
      : [[`http.${address.origin}/.extraHeader`, `Authorization: ${authorization}`] as [string, string]]),
    ['credential.helper', ''],
    ['core.askPass', ''],
    ['core.hooksPath', '/dev/null'],
    ['core.attributesFile', '/dev/null'],
    ['core.excludesFile', '/dev/null'],
    ['core.fsmonitor', 'false'],
    ['core.autocrlf', 'false'],
    ['core.symlinks', 'true'],
    ['core.protectHFS', 'true'],
    ['core.protectNTFS', 'true'],
    // A reflog would tell the user and the host that the server runs as.
    ['core.logAllRefUpdates', 'false'],
    ['transfer.fsckObjects', 'true'],
    // As one file, whose growth is seen and whose size the kernel holds.
    ['fetch.unpackLimit', '1'],
    ['transfer.bundleURI', 'false'],
    ['fetch.recurseSubmodules', 'false'],
    ['submodule.recurse', 'false'],
    ['gc.auto', '0'],
    ['maintenance.auto', 'false'],
    // Memory: what others send decides none of it.
    ['core.bigFileThreshold', String(16 * MIB)],
    ['core.packedGitWindowSize', String(32 * MIB)],
    ['core.packedGitLimit', String(256 * MIB)],
    ['core.deltaBaseCacheLimit', String(32 * MIB)],
    ['pack.threads', '1'],
    ['protocol.version', '2'],
    ['init.defaultBranch', 'main'],
    ['advice.detachedHead', 'false'],
  ];
}
