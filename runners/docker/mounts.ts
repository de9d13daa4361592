import { realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { Rejected } from '../../src/contract/outcome.ts';
import type { PrivateView } from '../../src/disk/private-view.ts';
import { bytePath } from '../../src/platform/byte-path.ts';
import { codeOf } from '../../src/platform/error-words.ts';
import { isInside } from '../../src/platform/inside.ts';
import type { DockerSpec } from './spec.ts';

export interface MountRules {
  /** Absolute directories of this machine of which runs may mount. Empty: only their own scratch directory. */
  roots: readonly string[];
  /** The server's own files: no run sees those of another. */
  places: PrivateView;
  /** The socket of the daemon in use, when it has one here. */
  daemonSocket: string | null;
}

export interface Bind {
  source: string;
  target: string;
  readOnly: boolean;
}

/** Whoever reaches one of these is root on this machine. */
const ENGINE_SOCKETS = [
  '/var/run/docker.sock',
  '/run/docker.sock',
  '/run/containerd/containerd.sock',
  '/var/run/docker/containerd/containerd.sock',
  '/run/podman/podman.sock',
  '/run/crio/crio.sock',
];
const SOCKET_NAMES = new Set(ENGINE_SOCKETS.map((path) => basename(path)));

/**
 * The directories of this machine that a container of a run gets, links resolved. `workspace` is the run's
 * working directory when it is mounted; a scratch directory of the run's own may always be.
 * Throws Rejected naming the mount that is refused.
 */
export function bindsOf(
  spec: Pick<DockerSpec, 'mounts' | 'tmpfs' | 'workdir'>,
  workspace: { path: string; scratch: boolean } | null,
  extra: readonly Bind[],
  rules: MountRules,
): Bind[] {
  const binds: Bind[] = [];
  const workspaceSource = workspace && realpathSync.native(workspace.path);
  if (workspace && workspaceSource !== null) {
    if (!workspace.scratch || !rules.places.isScratch(bytePath(workspaceSource)))
      checkSource('working directory', workspace.path, workspaceSource, rules);
    binds.push({ source: workspaceSource, target: spec.workdir, readOnly: false });
  }
  for (const bind of extra) {
    const source = real('artifact directory', bind.source);
    checkSource('artifact directory', bind.source, source, rules);
    binds.push({ ...bind, source });
  }
  for (const mount of spec.mounts) {
    if (SOCKET_NAMES.has(basename(mount.source)))
      throw new Rejected(`mount ${mount.source} names the socket of a container engine`);
    const source = real('mount', mount.source);
    checkSource('mount', mount.source, source, rules);
    if (workspaceSource !== null && (isInside(workspaceSource, source) || isInside(source, workspaceSource)))
      throw new Rejected(`mount of ${mount.source} overlaps the workspace ${workspaceSource}`);
    binds.push({ source, target: mount.target, readOnly: mount.read_only });
  }
  checkTargets(binds, spec, workspace !== null);
  return binds;
}

function checkSource(what: string, shown: string, source: string, rules: MountRules): void {
  const sockets = [...ENGINE_SOCKETS, ...(rules.daemonSocket === null ? [] : [rules.daemonSocket])];
  for (const socket of sockets.flatMap((path) => [path, realOrSelf(path)]))
    if (isInside(source, socket))
      throw new Rejected(`${what} ${shown} gives away the socket of a container engine: ${socket}`);
  if (SOCKET_NAMES.has(basename(source)))
    throw new Rejected(`${what} ${shown} names the socket of a container engine`);
  if (statSync(source).isSocket()) throw new Rejected(`${what} ${shown} is a socket`);
  if (rules.places.isScratch(bytePath(source))) return;
  if (rules.places.overlaps(bytePath(source)))
    throw new Rejected(`${what} ${shown} overlaps the data of the server`);
  const roots = rules.roots.map(realOrSelf);
  if (!roots.some((root) => isInside(root, source)))
    throw new Rejected(
      `${what} ${shown} is outside RUNWIRE_DOCKER_MOUNT_ROOTS (${roots.length === 0 ? 'none' : rules.roots.join(', ')})`,
    );
}

/** Throws Rejected for a place in the container that is in the workspace or around it. */
export function keepClear(
  targets: readonly string[],
  workdir: string,
  what = 'the workspace',
  named = 'mount at',
): void {
  for (const target of targets)
    if (isInside(workdir, target) || isInside(target, workdir))
      throw new Rejected(`${named} ${target} overlaps ${what} at ${workdir}`);
}

/** No two places in the container are the same, and none is in the workspace or around it. */
function checkTargets(
  binds: readonly Bind[],
  spec: Pick<DockerSpec, 'tmpfs' | 'workdir'>,
  mounted: boolean,
): void {
  const places = [...binds.map(({ target }) => target), ...spec.tmpfs.map(({ target }) => target)];
  const own = mounted ? places.slice(1) : places;
  const seen = new Set<string>();
  for (const target of own) {
    if (seen.has(target)) throw new Rejected(`two mounts at ${target}`);
    seen.add(target);
    if (mounted) keepClear([target], spec.workdir);
  }
}

function real(what: string, path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    const code = codeOf(error) ?? error;
    throw new Rejected(`${what} ${path} cannot be used (${code})`);
  }
}

export function realOrSelf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}
