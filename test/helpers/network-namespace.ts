import { spawn, spawnSync } from 'node:child_process';

/** A network and processes of their own: what is done there reaches nobody, and ends with its first process. */
const UNSHARE = ['--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
/** Its loopback interface is down at first. */
const UP = 'ip link set lo up 2>/dev/null || busybox ip link set lo up || exit 1; ';

/** Undefined: this machine lets us have one. Else why not. */
export function whyNoNamespace(): string | undefined {
  const { error, status, stderr } = spawnSync('unshare', [...UNSHARE, 'sh', '-c', `${UP} true`], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  if (error) return `unshare cannot be started: ${error.message}`;
  return status === 0 ? undefined : `no network namespace can be made: ${stderr.trim()}`;
}

/**
 * Runs a script of ours in a network namespace, with kernel settings of `net/ipv4` that hold there alone. Resolves
 * with the JSON that it printed last; rejects with all it printed when it fails.
 */
export async function inNamespace<Result>(
  script: string,
  args: readonly string[] = [],
  settings: Readonly<Record<string, string>> = {},
): Promise<Result> {
  const set = Object.entries(settings).map(
    ([name, value]) => `echo '${value}' > /proc/sys/net/ipv4/${name}; `,
  );
  const command = `${UP}${set.join('')} exec "$@"`;
  const child = spawn('unshare', [...UNSHARE, 'sh', '-c', command, 'sh', process.execPath, script, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  let answer = '';
  child.stdout.on('data', (chunk) => {
    answer += chunk;
  });
  child.stderr.on('data', (chunk) => {
    printed += chunk;
  });
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`${script} ended with ${code}: ${answer}${printed}`);
  return JSON.parse(answer.trim().split('\n').at(-1) ?? '') as Result;
}
