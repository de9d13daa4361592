interface Work {
  body: object;
  /** The bytes it writes when nothing ends it. */
  wrote: { stdout: string; stderr: string | Buffer };
}

/** Leaves a process behind that would outlive it. */
const LEAVE = 'setsid sleep 60 </dev/null >/dev/null 2>&1 &';

/** Says so many things on both streams, makes a file and fails. `options` are those of the invocation. */
export function exits(times = 4, options: object = {}): Work {
  const script = `${LEAVE} i=0
    while [ $i -lt ${times} ]; do
      i=$((i+1)); printf 'Zeile ä %s\\n' $i; printf '\\377%s' $i >&2; sleep 0.03
    done
    head -c 200000 /dev/zero >"$RUNWIRE_ARTIFACT_DIR/zeros"
    exit 3`;
  const numbers = Array.from({ length: times }, (_, i) => i + 1);
  return {
    body: {
      runtime_kind: 'subprocess',
      command: ['sh', '-c', script],
      artifact_directory: 'kept',
      output_result_path: 'result/result.json',
      options,
    },
    wrote: {
      stdout: numbers.map((n) => `Zeile ä ${n}\n`).join(''),
      stderr: Buffer.concat(numbers.map((n) => Buffer.from(`\xff${n}`, 'latin1'))),
    },
  };
}

/** How exits() ends. */
export const truth = { status: 'failed', outcome: { ended: 'exited', exit_code: 3 } } as const;

/** Makes a directory and a file that are outputs, and not a third. */
export function leaves(): Work {
  const script = `${LEAVE} mkdir -p data/deep; head -c 200000 /dev/zero >data/deep/zeros; echo y >data/y; echo x >other`;
  const outputs = ['data', 'other', 'none'].map((id) => ({ id, path: id }));
  return {
    body: { runtime_kind: 'subprocess', command: ['sh', '-c', script], options: { outputs } },
    wrote: { stdout: '', stderr: '' },
  };
}

/** How leaves() ends. */
export const lacking = {
  status: 'failed',
  outcome: {
    ended: 'exited',
    exit_code: 0,
    failure: { permanent: false, reason: 'output_missing' },
  },
  result: { error_summary: 'missing outputs: none (none: does not exist)' },
} as const;

/** Says something and stays. */
export function patient(fields: object = {}): Work {
  return {
    body: { runtime_kind: 'subprocess', command: ['sh', '-c', `${LEAVE} echo up; exec sleep 60`], ...fields },
    wrote: { stdout: 'up\n', stderr: '' },
  };
}
