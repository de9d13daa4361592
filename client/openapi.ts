// Made from openapi.yaml by `npm run openapi`: what is wanted otherwise is changed in the schemas.

export type InvocationInput = {
  schema_version?: '0.1' | undefined;
  contract_kind?: 'runtime_invocation' | undefined;
  /** Absent: the server makes a sortable one */
  invocation_id?: string | undefined;
  /** Default: the kind */
  runtime_name?: string | undefined;
  /** One of subprocess, docker, http, http_async, manual, or an alias of one: container, async_http, async-http; may be absent where options name an environment spec or a session, which have one */
  runtime_kind?: string | undefined;
  /** Absent or null: a scratch directory of the run's own */
  working_directory?: string | null | undefined;
  /** argv; no shell. Needed by kinds that start a process */
  command?: string[] | undefined;
  environment?: {
    [name: string]: string;
  } | undefined;
  /** Seconds, may have a fraction; null: none */
  timeout_seconds?: number | null | undefined;
  input_payload_path?: string | null | undefined;
  output_result_path?: string | null | undefined;
  artifact_directory?: string | null | undefined;
  metadata?: {
    [name: string]: string;
  } | undefined;
  options?: OptionsInput | undefined;
};

export type OptionsInput = {
  /** Text for standard input */
  stdin?: string | undefined;
  /** Standard input is fed by POST …/stdin */
  stdin_open?: boolean | undefined;
  /** Standard input, output and error are one terminal of this size, fed by …/terminal or POST …/stdin; all that it shows is stdout */
  terminal?: {
    cols: number;
    rows: number;
  } | undefined;
  /** Between SIGTERM and SIGKILL; 0 = SIGKILL at once */
  kill_grace_seconds?: number | undefined;
  /** The run ends after so long without output */
  idle_timeout_seconds?: number | undefined;
  /** The run ends when it has waited so long to start */
  queue_timeout_seconds?: number | undefined;
  /** Bytes kept of each stream, and as many of each of the setup */
  max_output_bytes?: number | undefined;
  /** Made in the working directory before the start */
  files?: {
    /** Relative, with slashes */
    path: string;
    text?: string | undefined;
    base64?: string | undefined;
    /** Of a finished run */
    artifact?: {
      invocation_id: string;
      artifact_id: string;
    } | undefined;
    /** name, or name@version; a directory comes with all in it */
    asset?: string | undefined;
    /** Default: 0644 */
    mode?: string | undefined;
  }[] | undefined;
  /** Globs under the working directory */
  artifacts?: string[] | undefined;
  limits?: {
    /** CPU time of one process, whole seconds */
    cpu_seconds?: number | undefined;
    /** Address space of one process, bytes */
    memory_bytes?: number | undefined;
    /** Processes and threads of the user */
    processes?: number | undefined;
    /** Open file descriptors of one process */
    open_files?: number | undefined;
    /** Largest file a process may write, bytes */
    file_size_bytes?: number | undefined;
  } | undefined;
  /** The directory that it works in, kept by the server from one run to the next */
  workspace?: string | {
    id: string;
    /** It may run beside others that say so too */
    shared?: boolean | undefined;
    snapshot?: 'before' | 'after' | 'both' | undefined;
    /** Of these snapshots, globs: nothing else is in them */
    keep?: string[] | undefined;
    /** The same: what they match is not in them, nor what is below */
    ignore?: string[] | undefined;
  } | undefined;
  /** A stored environment spec: name, or name@version. What the invocation says itself goes before it */
  environment_spec?: string | undefined;
  /** The session that it runs in */
  session?: string | undefined;
  /** Done before the command, where it runs */
  setup?: {
    /** argv, or text for sh -c; in their order, each when the one before ended with 0 */
    commands?: (string[] | string)[] | undefined;
    /** After these, where the run is an evaluation (is_evaluation) */
    evaluation_commands?: (string[] | string)[] | undefined;
    /** Last, where a session was reset */
    resume_commands?: (string[] | string)[] | undefined;
    /** For all of them together. Default: 600 */
    timeout_seconds?: number | undefined;
    /** docker: who runs them. Default: who runs the command */
    user?: string | undefined;
  } | undefined;
  /** One more command of the setup, the last */
  setup_command?: string[] | string | undefined;
  /** True: no setup at all */
  disable_setup?: boolean | undefined;
  /** True: evaluation_commands of the setup run too */
  is_evaluation?: boolean | undefined;
  /** Assets that it uses, by the key that {{static:key}} stands for; where it is given, {} too, such placeholders are filled */
  assets?: {
    [name: string]: {
      /** The name of the asset. Default: the key */
      asset?: string | undefined;
      /** Default: the newest */
      version?: number | undefined;
      /** What it must be; the record has it in any case */
      digest?: string | undefined;
      /** Where it is below the place of all assets. Default: the key */
      save_path?: string | undefined;
      /** mount: to be read; copy: of its own, to be changed. Default: mount */
      mode?: 'mount' | 'copy' | undefined;
    };
  } | undefined;
  /** What it is given, each under a name of its own */
  inputs?: {
    id: string;
    /** Of a finished run */
    artifact?: {
      invocation_id: string;
      artifact_id: string;
      /** What it must be; the record has it in any case */
      sha256?: string | undefined;
    } | undefined;
    /** name, or name@version */
    asset?: string | undefined;
    /** A path of the machine; relative: to the working directory */
    file?: string | undefined;
    text?: string | undefined;
    base64?: string | undefined;
    /** Any JSON: no file, its text is for templates */
    value?: unknown | undefined;
    /** Default: that of the artifact or asset, else the id */
    filename?: string | undefined;
    /** true: it is an archive, and becomes a directory */
    extract?: boolean | undefined;
  }[] | undefined;
  /** What it leaves behind: artifacts of these ids */
  outputs?: {
    id: string;
    /** Below the working directory; a directory becomes one tar */
    path: string;
    /** Default: file, or directory */
    kind?: string | undefined;
    description?: string | undefined;
    /** Default: true: without it the run has failed */
    required?: boolean | undefined;
  }[] | undefined;
  /** True: ${…} in command and values of the environment stands for inputs, outputs and facts of the run */
  template?: boolean | undefined;
  on_finish?: {
    url: string;
    secret?: string | undefined;
  } | undefined;
  docker?: DockerOptions | undefined;
  http?: HttpOptions | undefined;
  http_async?: HttpAsyncOptions | undefined;
  manual?: ManualOptions | undefined;
};

export type WorkerEventInput = {
  type: 'stdout';
  /** setup: captured apart, with offsets of its own. Default: command */
  phase?: 'setup' | 'command' | undefined;
  /** Bytes of this stream and phase reported before these, by this claim: what was taken already is not taken again */
  offset?: number | undefined;
  text?: string | undefined;
  base64?: string | undefined;
} | {
  type: 'stderr';
  /** setup: captured apart, with offsets of its own. Default: command */
  phase?: 'setup' | 'command' | undefined;
  /** Bytes of this stream and phase reported before these, by this claim: what was taken already is not taken again */
  offset?: number | undefined;
  text?: string | undefined;
  base64?: string | undefined;
} | {
  type: 'progress';
  message?: string | undefined;
  data?: unknown | undefined;
};

export type CompletionInput = {
  status: 'succeeded' | 'failed' | 'timed_out' | 'cancelled' | 'rejected';
  exit_code?: number | null | undefined;
  error_summary?: string | null | undefined;
  metadata?: {
    [name: string]: string;
  } | undefined;
  artifacts?: (string | {
    artifact_id: string;
  })[] | undefined;
  schema_version?: '0.1' | undefined;
  contract_kind?: 'runtime_result' | undefined;
  invocation_id?: string | undefined;
  runtime_name?: string | undefined;
  runtime_kind?: string | undefined;
};

export type EnvironmentSpecInput = {
  description?: string | undefined;
  /** One of subprocess, docker, http, http_async, manual, or an alias of one: container, async_http, async-http */
  runtime_kind: string;
  environment?: {
    [name: string]: string;
  } | undefined;
  /** Not yet: refused */
  secrets?: never | undefined;
  options?: SpecOptionsInput | undefined;
  /** The same as options.setup: one of the two */
  setup?: {
    /** argv, or text for sh -c; in their order, each when the one before ended with 0 */
    commands?: (string[] | string)[] | undefined;
    /** After these, where the run is an evaluation (is_evaluation) */
    evaluation_commands?: (string[] | string)[] | undefined;
    /** Last, where a session was reset */
    resume_commands?: (string[] | string)[] | undefined;
    /** For all of them together. Default: 600 */
    timeout_seconds?: number | undefined;
    /** docker: who runs them. Default: who runs the command */
    user?: string | undefined;
  } | undefined;
  /** The same as options.assets: one of the two */
  assets?: {
    [name: string]: {
      /** The name of the asset. Default: the key */
      asset?: string | undefined;
      /** Default: the newest */
      version?: number | undefined;
      /** What it must be; the record has it in any case */
      digest?: string | undefined;
      /** Where it is below the place of all assets. Default: the key */
      save_path?: string | undefined;
      /** mount: to be read; copy: of its own, to be changed. Default: mount */
      mode?: 'mount' | 'copy' | undefined;
    };
  } | undefined;
  /** What is in snapshots that runs take (options.workspace.snapshot) */
  snapshot?: {
    /** Globs: nothing else is in it */
    keep?: string[] | undefined;
    /** Globs: what they match is not in it, nor what is below */
    ignore?: string[] | undefined;
  } | undefined;
  /** The command of invocations that have none */
  entry?: {
    /** argv; no shell */
    command: string[];
    /** Instead of it, where the run is no evaluation */
    agent_command?: string[] | undefined;
    /** One more argument of both, the last */
    file?: string | undefined;
  } | undefined;
  /** Where it is there, that of the path */
  name?: string | undefined;
  version?: number | undefined;
  digest?: string | undefined;
  created_at?: string | undefined;
  links?: {
    [name: string]: unknown;
  } | undefined;
};

/** As of an invocation, which completes them; what is of one run is refused: stdin, stdin_open, terminal, files, inputs, workspace, session, environment_spec, setup_command, disable_setup, is_evaluation, on_finish */
export type SpecOptionsInput = {
  stdin?: never | undefined;
  stdin_open?: never | undefined;
  terminal?: never | undefined;
  /** Between SIGTERM and SIGKILL; 0 = SIGKILL at once */
  kill_grace_seconds?: number | undefined;
  /** The run ends after so long without output */
  idle_timeout_seconds?: number | undefined;
  /** The run ends when it has waited so long to start */
  queue_timeout_seconds?: number | undefined;
  /** Bytes kept of each stream, and as many of each of the setup */
  max_output_bytes?: number | undefined;
  files?: never | undefined;
  /** Globs under the working directory */
  artifacts?: string[] | undefined;
  limits?: {
    /** CPU time of one process, whole seconds */
    cpu_seconds?: number | undefined;
    /** Address space of one process, bytes */
    memory_bytes?: number | undefined;
    /** Processes and threads of the user */
    processes?: number | undefined;
    /** Open file descriptors of one process */
    open_files?: number | undefined;
    /** Largest file a process may write, bytes */
    file_size_bytes?: number | undefined;
  } | undefined;
  workspace?: never | undefined;
  environment_spec?: never | undefined;
  session?: never | undefined;
  /** Done before the command, where it runs */
  setup?: {
    /** argv, or text for sh -c; in their order, each when the one before ended with 0 */
    commands?: (string[] | string)[] | undefined;
    /** After these, where the run is an evaluation (is_evaluation) */
    evaluation_commands?: (string[] | string)[] | undefined;
    /** Last, where a session was reset */
    resume_commands?: (string[] | string)[] | undefined;
    /** For all of them together. Default: 600 */
    timeout_seconds?: number | undefined;
    /** docker: who runs them. Default: who runs the command */
    user?: string | undefined;
  } | undefined;
  setup_command?: never | undefined;
  disable_setup?: never | undefined;
  is_evaluation?: never | undefined;
  /** Assets that it uses, by the key that {{static:key}} stands for; where it is given, {} too, such placeholders are filled */
  assets?: {
    [name: string]: {
      /** The name of the asset. Default: the key */
      asset?: string | undefined;
      /** Default: the newest */
      version?: number | undefined;
      /** What it must be; the record has it in any case */
      digest?: string | undefined;
      /** Where it is below the place of all assets. Default: the key */
      save_path?: string | undefined;
      /** mount: to be read; copy: of its own, to be changed. Default: mount */
      mode?: 'mount' | 'copy' | undefined;
    };
  } | undefined;
  inputs?: never | undefined;
  /** What it leaves behind: artifacts of these ids */
  outputs?: {
    id: string;
    /** Below the working directory; a directory becomes one tar */
    path: string;
    /** Default: file, or directory */
    kind?: string | undefined;
    description?: string | undefined;
    /** Default: true: without it the run has failed */
    required?: boolean | undefined;
  }[] | undefined;
  /** True: ${…} in command and values of the environment stands for inputs, outputs and facts of the run */
  template?: boolean | undefined;
  on_finish?: never | undefined;
  docker?: SpecDockerOptions | undefined;
  http?: SpecHttpOptions | undefined;
  http_async?: SpecHttpAsyncOptions | undefined;
  manual?: SpecManualOptions | undefined;
};

export type NewSessionInput = {
  /** Default: one that the server makes */
  session_id?: string | undefined;
  /** A stored environment spec: name, or name@version */
  environment_spec?: string | undefined;
  /** The kind of all its runs. Needed where no environment spec says it */
  runtime_kind?: string | undefined;
  /** One that is there. Default: the session makes its own */
  workspace?: string | undefined;
  /** In its own workspace, after `from` */
  files?: {
    /** Relative, with slashes */
    path: string;
    text?: string | undefined;
    base64?: string | undefined;
    /** Of a finished run */
    artifact?: {
      invocation_id: string;
      artifact_id: string;
    } | undefined;
    /** name, or name@version; a directory comes with all in it */
    asset?: string | undefined;
    /** Default: 0644 */
    mode?: string | undefined;
  }[] | undefined;
  /** What its own workspace begins with */
  from?: {
    /** Id of a snapshot */
    snapshot?: string | undefined;
    /** Id of another workspace, as it is now */
    workspace?: string | undefined;
    /** The directory of a run, which the server made for it */
    invocation?: string | undefined;
    /** A tree of a repository, with its .git */
    git?: {
      /** https or http, without user, password and query */
      url: string;
      /** Branch, tag or commit. Default: HEAD */
      ref?: string | undefined;
      /** Name of a secret of the server: a token for this host */
      secret?: string | undefined;
    } | undefined;
  } | undefined;
  /** true: evaluation_commands of the setup run too */
  is_evaluation?: boolean | undefined;
  /** true: it is ready without any setup */
  disable_setup?: boolean | undefined;
  /** Of the setup and of each of its runs */
  environment?: {
    [name: string]: string;
  } | undefined;
  options?: SessionOptionsInput | undefined;
  metadata?: {
    [name: string]: string;
  } | undefined;
  /** It is closed so long after it was made. Default: never */
  ttl_seconds?: number | undefined;
  /** It is closed when it was not used for so long. Default: never */
  idle_seconds?: number | undefined;
  /** true: its workspace stays when it is closed. Default: true where `workspace` was given */
  keep_workspace?: boolean | undefined;
};

/** Of the setup and of each of its runs; what a run says itself goes before it. Refused: workspace, environment_spec, files, is_evaluation, disable_setup, session, stdin, stdin_open, terminal, on_finish, inputs, outputs */
export type SessionOptionsInput = {
  stdin?: never | undefined;
  stdin_open?: never | undefined;
  terminal?: never | undefined;
  /** Between SIGTERM and SIGKILL; 0 = SIGKILL at once */
  kill_grace_seconds?: number | undefined;
  /** The run ends after so long without output */
  idle_timeout_seconds?: number | undefined;
  /** The run ends when it has waited so long to start */
  queue_timeout_seconds?: number | undefined;
  /** Bytes kept of each stream, and as many of each of the setup */
  max_output_bytes?: number | undefined;
  files?: never | undefined;
  /** Globs under the working directory */
  artifacts?: string[] | undefined;
  limits?: {
    /** CPU time of one process, whole seconds */
    cpu_seconds?: number | undefined;
    /** Address space of one process, bytes */
    memory_bytes?: number | undefined;
    /** Processes and threads of the user */
    processes?: number | undefined;
    /** Open file descriptors of one process */
    open_files?: number | undefined;
    /** Largest file a process may write, bytes */
    file_size_bytes?: number | undefined;
  } | undefined;
  workspace?: never | undefined;
  environment_spec?: never | undefined;
  session?: never | undefined;
  /** Done before the command, where it runs */
  setup?: {
    /** argv, or text for sh -c; in their order, each when the one before ended with 0 */
    commands?: (string[] | string)[] | undefined;
    /** After these, where the run is an evaluation (is_evaluation) */
    evaluation_commands?: (string[] | string)[] | undefined;
    /** Last, where a session was reset */
    resume_commands?: (string[] | string)[] | undefined;
    /** For all of them together. Default: 600 */
    timeout_seconds?: number | undefined;
    /** docker: who runs them. Default: who runs the command */
    user?: string | undefined;
  } | undefined;
  /** One more command of the setup, the last */
  setup_command?: string[] | string | undefined;
  disable_setup?: never | undefined;
  is_evaluation?: never | undefined;
  /** Assets that it uses, by the key that {{static:key}} stands for; where it is given, {} too, such placeholders are filled */
  assets?: {
    [name: string]: {
      /** The name of the asset. Default: the key */
      asset?: string | undefined;
      /** Default: the newest */
      version?: number | undefined;
      /** What it must be; the record has it in any case */
      digest?: string | undefined;
      /** Where it is below the place of all assets. Default: the key */
      save_path?: string | undefined;
      /** mount: to be read; copy: of its own, to be changed. Default: mount */
      mode?: 'mount' | 'copy' | undefined;
    };
  } | undefined;
  inputs?: never | undefined;
  outputs?: never | undefined;
  /** True: ${…} in command and values of the environment stands for inputs, outputs and facts of the run */
  template?: boolean | undefined;
  on_finish?: never | undefined;
  docker?: SpecDockerOptions | undefined;
  http?: SpecHttpOptions | undefined;
  http_async?: SpecHttpAsyncOptions | undefined;
  manual?: SpecManualOptions | undefined;
};

export type RuntimeInvocation = {
  schema_version: '0.1';
  contract_kind: 'runtime_invocation';
  invocation_id: string;
  runtime_name: string;
  runtime_kind: string;
  working_directory: string;
  command: string[];
  environment: {
    [name: string]: string;
  };
  timeout_seconds: number | null;
  input_payload_path: string | null;
  output_result_path: string | null;
  artifact_directory: string | null;
  metadata: {
    [name: string]: string;
  };
  options: Options;
};

export type Options = {
  /** Text for standard input */
  stdin?: string | undefined;
  /** Standard input is fed by POST …/stdin */
  stdin_open?: boolean | undefined;
  /** Standard input, output and error are one terminal of this size, fed by …/terminal or POST …/stdin; all that it shows is stdout */
  terminal?: {
    cols: number;
    rows: number;
  } | undefined;
  /** Between SIGTERM and SIGKILL; 0 = SIGKILL at once */
  kill_grace_seconds?: number | undefined;
  /** The run ends after so long without output */
  idle_timeout_seconds?: number | undefined;
  /** The run ends when it has waited so long to start */
  queue_timeout_seconds?: number | undefined;
  /** Bytes kept of each stream, and as many of each of the setup */
  max_output_bytes?: number | undefined;
  /** Made in the working directory before the start */
  files?: {
    /** Relative, with slashes */
    path: string;
    text?: string | undefined;
    base64?: string | undefined;
    /** Of a finished run */
    artifact?: {
      invocation_id: string;
      artifact_id: string;
    } | undefined;
    /** name, or name@version; a directory comes with all in it */
    asset?: string | undefined;
    /** Default: 0644 */
    mode?: string | undefined;
  }[] | undefined;
  /** Globs under the working directory */
  artifacts?: string[] | undefined;
  limits?: {
    /** CPU time of one process, whole seconds */
    cpu_seconds?: number | undefined;
    /** Address space of one process, bytes */
    memory_bytes?: number | undefined;
    /** Processes and threads of the user */
    processes?: number | undefined;
    /** Open file descriptors of one process */
    open_files?: number | undefined;
    /** Largest file a process may write, bytes */
    file_size_bytes?: number | undefined;
  } | undefined;
  /** The directory that it works in, kept by the server from one run to the next */
  workspace?: string | {
    id: string;
    /** It may run beside others that say so too */
    shared?: boolean | undefined;
    snapshot?: 'before' | 'after' | 'both' | undefined;
    /** Of these snapshots, globs: nothing else is in them */
    keep?: string[] | undefined;
    /** The same: what they match is not in them, nor what is below */
    ignore?: string[] | undefined;
  } | undefined;
  /** A stored environment spec: name, or name@version. What the invocation says itself goes before it */
  environment_spec?: string | undefined;
  /** The session that it runs in */
  session?: string | undefined;
  /** Done before the command, where it runs */
  setup?: {
    /** argv, or text for sh -c; in their order, each when the one before ended with 0 */
    commands?: (string[] | string)[] | undefined;
    /** After these, where the run is an evaluation (is_evaluation) */
    evaluation_commands?: (string[] | string)[] | undefined;
    /** Last, where a session was reset */
    resume_commands?: (string[] | string)[] | undefined;
    /** For all of them together. Default: 600 */
    timeout_seconds?: number | undefined;
    /** docker: who runs them. Default: who runs the command */
    user?: string | undefined;
  } | undefined;
  /** One more command of the setup, the last */
  setup_command?: string[] | string | undefined;
  /** True: no setup at all */
  disable_setup?: boolean | undefined;
  /** True: evaluation_commands of the setup run too */
  is_evaluation?: boolean | undefined;
  /** Assets that it uses, by the key that {{static:key}} stands for; where it is given, {} too, such placeholders are filled */
  assets?: {
    [name: string]: {
      /** The name of the asset. Default: the key */
      asset?: string | undefined;
      /** Default: the newest */
      version?: number | undefined;
      /** What it must be; the record has it in any case */
      digest?: string | undefined;
      /** Where it is below the place of all assets. Default: the key */
      save_path?: string | undefined;
      /** mount: to be read; copy: of its own, to be changed. Default: mount */
      mode?: 'mount' | 'copy' | undefined;
    };
  } | undefined;
  /** What it is given, each under a name of its own */
  inputs?: {
    id: string;
    /** Of a finished run */
    artifact?: {
      invocation_id: string;
      artifact_id: string;
      /** What it must be; the record has it in any case */
      sha256?: string | undefined;
    } | undefined;
    /** name, or name@version */
    asset?: string | undefined;
    /** A path of the machine; relative: to the working directory */
    file?: string | undefined;
    text?: string | undefined;
    base64?: string | undefined;
    /** Any JSON: no file, its text is for templates */
    value?: unknown | undefined;
    /** Default: that of the artifact or asset, else the id */
    filename?: string | undefined;
    /** true: it is an archive, and becomes a directory */
    extract?: boolean | undefined;
  }[] | undefined;
  /** What it leaves behind: artifacts of these ids */
  outputs?: {
    id: string;
    /** Below the working directory; a directory becomes one tar */
    path: string;
    /** Default: file, or directory */
    kind?: string | undefined;
    description?: string | undefined;
    /** Default: true: without it the run has failed */
    required?: boolean | undefined;
  }[] | undefined;
  /** True: ${…} in command and values of the environment stands for inputs, outputs and facts of the run */
  template?: boolean | undefined;
  on_finish?: {
    url: string;
    secret?: string | undefined;
  } | undefined;
  docker?: DockerOptions | undefined;
  http?: HttpOptions | undefined;
  http_async?: HttpAsyncOptions | undefined;
  manual?: ManualOptions | undefined;
  [name: string]: unknown;
};

export type ExactInvocation = {
  schema_version: '0.1';
  contract_kind: 'runtime_invocation';
  invocation_id: string;
  runtime_name: string;
  runtime_kind: 'subprocess' | 'http' | 'http_async' | 'container' | 'manual' | 'unknown';
  working_directory: string;
  command: string[];
  environment: {
    [name: string]: string;
  };
  timeout_seconds: number | null;
  input_payload_path: string | null;
  output_result_path: string | null;
  artifact_directory: string | null;
  metadata: {
    [name: string]: string;
  };
};

export type RuntimeResult = {
  schema_version: '0.1';
  contract_kind: 'runtime_result';
  invocation_id: string;
  runtime_name: string;
  /** The word of RxP; that of this server is in the record */
  runtime_kind: 'subprocess' | 'http' | 'http_async' | 'container' | 'manual' | 'unknown';
  status: 'pending' | 'running' | 'succeeded' | 'failed' | 'timed_out' | 'cancelled' | 'rejected';
  exit_code: number | null;
  started_at: string;
  finished_at: string;
  stdout_path: string | null;
  stderr_path: string | null;
  artifacts: ArtifactDescriptor[];
  error_summary: string | null;
  metadata: {
    [name: string]: string;
  };
};

export type ArtifactDescriptor = {
  schema_version: '0.1';
  contract_kind: 'artifact_descriptor';
  artifact_id: string;
  path: string;
  kind: string;
  description: string;
  metadata: {
    [name: string]: string;
  };
};

export type RuntimeEvent = {
  invocation_id: string;
  seq: number;
  time: string;
  type: 'status';
  status: 'pending' | 'running';
} | {
  invocation_id: string;
  seq: number;
  time: string;
  type: 'stdout';
  phase: 'setup' | 'command';
  offset: number;
  length: number;
  text?: string | undefined;
  base64?: string | undefined;
} | {
  invocation_id: string;
  seq: number;
  time: string;
  type: 'stderr';
  phase: 'setup' | 'command';
  offset: number;
  length: number;
  text?: string | undefined;
  base64?: string | undefined;
} | {
  invocation_id: string;
  seq: number;
  time: string;
  type: 'progress';
  message?: string | undefined;
  data?: unknown | undefined;
} | {
  invocation_id: string;
  seq: number;
  time: string;
  type: 'artifact';
  artifact: ArtifactDescriptor;
} | {
  invocation_id: string;
  seq: number;
  time: string;
  type: 'gap';
  stream: 'stdout' | 'stderr';
  offset: number;
  length: number;
  reason: 'output_limit' | 'retention' | 'storage';
  /** Absent: of the command */
  phase?: 'setup' | undefined;
} | {
  invocation_id: string;
  seq: number;
  time: string;
  type: 'finished';
  result: RuntimeResult;
  outcome: Outcome;
};

export type Record = {
  invocation: RuntimeInvocation;
  /** The kind in this server's word, whatever word was sent */
  runtime_kind: string;
  status: 'pending' | 'running' | 'succeeded' | 'failed' | 'timed_out' | 'cancelled' | 'rejected';
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  result: RuntimeResult | null;
  outcome: Outcome | null;
  /** The version of an environment spec that it was made with; absent: with none */
  environment_spec?: {
    name: string;
    version: number;
    digest: string;
  } | undefined;
  /** Why it does not begin yet; absent where it does not wait */
  waiting?: {
    /** `places`: all places of programs are taken; `calls`: all of calls; `draining`: the server stops, and the next one has it; `worker`: nobody has claimed it; `workspace`: it is the turn of others in its workspace */
    reason: 'places' | 'calls' | 'draining' | 'worker' | 'workspace';
    /** 1 is the next */
    place: number;
    /** invocation_ids of the runs that hold the places, or the workspace, oldest first; of many the first */
    holders: string[];
  } | undefined;
  /** How far the POST of the result has come */
  on_finish?: {
    url: string;
    state: 'pending' | 'delivered' | 'failed';
    /** Attempts that are over */
    attempts: number;
    /** HTTP status of the last answer */
    last_status: number | null;
    /** Why the last attempt failed */
    last_error: string | null;
    /** Null: at once when the run ends, or never again */
    next_attempt_at: string | null;
  } | undefined;
  links: {
    self: string;
    invocation: string;
    result: string;
    events: string;
    stdout: string;
    stderr: string;
    output: string;
    artifacts: string;
    cancel: string;
  };
};

export type Outcome = {
  ended: 'exited' | 'signaled' | 'timed_out' | 'cancelled' | 'rejected' | 'never_started' | 'setup_failed' | 'lost' | 'responded' | 'completed';
  /** Did the work begin */
  started: boolean;
  /** True only if the work provably did not begin */
  retry_safe: boolean;
  exit_code: number | null;
  signal: string | null;
  timeout_reason: 'run' | 'idle' | 'queue' | 'setup' | null;
  stdout: {
    bytes: number;
    kept: number;
    sha256: string;
    gap?: {
      offset: number;
      length: number;
      reason: 'output_limit' | 'retention' | 'storage';
    } | undefined;
  } | null;
  stderr: {
    bytes: number;
    kept: number;
    sha256: string;
    gap?: {
      offset: number;
      length: number;
      reason: 'output_limit' | 'retention' | 'storage';
    } | undefined;
  } | null;
  /** The commands of the setup that were begun; absent: the run had none, or nothing is known of it */
  setup?: {
    command: string[];
    /** Null: it was ended by a signal, or did not start */
    exit_code: number | null;
    signal: string | null;
    ms: number;
    /** Why it could not be started */
    error?: string | undefined;
  }[] | undefined;
  /** Absent: the run had no setup */
  setup_stdout?: {
    bytes: number;
    kept: number;
    sha256: string;
    gap?: {
      offset: number;
      length: number;
      reason: 'output_limit' | 'retention' | 'storage';
    } | undefined;
  } | undefined;
  setup_stderr?: {
    bytes: number;
    kept: number;
    sha256: string;
    gap?: {
      offset: number;
      length: number;
      reason: 'output_limit' | 'retention' | 'storage';
    } | undefined;
  } | undefined;
  last_seq: number;
  timings: {
    queue_ms?: number | undefined;
    spawn_ms?: number | undefined;
    first_byte_ms?: number | undefined;
    setup_ms?: number | undefined;
    run_ms?: number | undefined;
    drain_ms?: number | undefined;
    collect_ms?: number | undefined;
  };
  usage: {
    cpu_user_ms: number;
    cpu_system_ms: number;
    max_rss_bytes: number | null;
  } | null;
  kill: {
    signals: string[];
    survivors: number;
  } | null;
  /** Null: it succeeded. Absent in records of 0.1.0 */
  failure?: {
    /** The same invocation would fail again: a retry is useless */
    permanent: boolean;
    reason: 'rejected' | 'program_not_found' | 'program_not_executable' | 'arguments_too_long' | 'exit_code' | 'signal' | 'setup_failed' | 'timed_out' | 'cancelled' | 'status' | 'broken_off' | 'reported' | 'unavailable' | 'shortage' | 'output_lost' | 'output_missing' | 'lost';
  } | null | undefined;
  /** Null: it was not cancelled, or an earlier release did not note by whom */
  cancelled_by?: {
    by: 'client' | 'shutdown' | 'backend' | 'worker' | 'session';
  } | null | undefined;
  omitted: {
    path: string;
    reason: string;
  }[];
  /** Absent: the run had none */
  workspace?: {
    id: string;
    snapshots: {
      before: string | null;
      after: string | null;
    };
    /** Of its files after the run; null: they were not counted */
    bytes: number | null;
  } | undefined;
};

export type Problem = {
  /** urn:runwire:problem:<code> */
  type: string;
  title: string;
  status: number;
  detail: string;
  /** The path that was asked for */
  instance: string;
  code: 'malformed_json' | 'bad_request' | 'unauthorized' | 'forbidden_origin' | 'forbidden_host' | 'bad_signature' | 'address_expired' | 'not_found' | 'invocation_not_found' | 'artifact_not_found' | 'file_not_found' | 'workspace_not_found' | 'snapshot_not_found' | 'spec_not_found' | 'asset_not_found' | 'session_not_found' | 'runtime_not_found' | 'method_not_allowed' | 'not_acceptable' | 'request_timeout' | 'invocation_conflict' | 'workspace_conflict' | 'snapshot_conflict' | 'snapshot_busy' | 'workspace_busy' | 'file_conflict' | 'workspace_failed' | 'session_conflict' | 'session_busy' | 'session_failed' | 'asset_in_use' | 'not_finished' | 'not_running' | 'claim_lost' | 'completion_conflict' | 'no_terminal' | 'stdin_closed' | 'not_supported' | 'invocation_removed' | 'workspace_removed' | 'snapshot_removed' | 'session_closed' | 'gone' | 'precondition_failed' | 'body_too_large' | 'target_too_long' | 'unsupported_media_type' | 'range_not_satisfiable' | 'invalid_invocation' | 'invalid_field' | 'idempotency_key_conflict' | 'upgrade_required' | 'queue_full' | 'header_too_large' | 'internal_error' | 'not_implemented' | 'overloaded' | 'draining' | 'version_not_supported' | 'workspace_full' | 'specs_full' | 'assets_full' | 'insufficient_storage';
  errors?: {
    path: string;
    message: string;
  }[] | undefined;
};

export type Claimed = {
  invocation: RuntimeInvocation;
  claim: {
    /** Authorization: Bearer <token> */
    token: string;
    attempt: number;
    lease_expires_at: string;
    urls: {
      events: string;
      /** PUT to this, a slash and the artifact_id */
      artifacts: string;
      heartbeat: string;
      completion: string;
      /** GET lists the files of the run; with a slash and a path GET, PUT and DELETE one. null: its directory is not the server’s */
      files: string | null;
    };
  };
};

export type ClaimState = {
  lease_expires_at: string;
  /** Stop the work and complete: after the grace the run ends without */
  cancel_requested: boolean;
};

export type StoredEnvironmentSpec = {
  description?: string | undefined;
  /** One of subprocess, docker, http, http_async, manual, or an alias of one: container, async_http, async-http */
  runtime_kind: string;
  environment?: {
    [name: string]: string;
  } | undefined;
  options?: SpecOptions | undefined;
  /** The same as options.setup: one of the two */
  setup?: {
    /** argv, or text for sh -c; in their order, each when the one before ended with 0 */
    commands?: (string[] | string)[] | undefined;
    /** After these, where the run is an evaluation (is_evaluation) */
    evaluation_commands?: (string[] | string)[] | undefined;
    /** Last, where a session was reset */
    resume_commands?: (string[] | string)[] | undefined;
    /** For all of them together. Default: 600 */
    timeout_seconds?: number | undefined;
    /** docker: who runs them. Default: who runs the command */
    user?: string | undefined;
  } | undefined;
  /** The same as options.assets: one of the two */
  assets?: {
    [name: string]: {
      /** The name of the asset. Default: the key */
      asset?: string | undefined;
      /** Default: the newest */
      version?: number | undefined;
      /** What it must be; the record has it in any case */
      digest?: string | undefined;
      /** Where it is below the place of all assets. Default: the key */
      save_path?: string | undefined;
      /** mount: to be read; copy: of its own, to be changed. Default: mount */
      mode?: 'mount' | 'copy' | undefined;
    };
  } | undefined;
  /** What is in snapshots that runs take (options.workspace.snapshot) */
  snapshot?: {
    /** Globs: nothing else is in it */
    keep?: string[] | undefined;
    /** Globs: what they match is not in it, nor what is below */
    ignore?: string[] | undefined;
  } | undefined;
  /** The command of invocations that have none */
  entry?: {
    /** argv; no shell */
    command: string[];
    /** Instead of it, where the run is no evaluation */
    agent_command?: string[] | undefined;
    /** One more argument of both, the last */
    file?: string | undefined;
  } | undefined;
  name: string;
  /** 1, 2, 3 …, also over deletion: name@3 never means two things */
  version: number;
  /** SHA-256 (hex) of what it says: the same document has the same */
  digest: string;
  created_at: string;
  links: {
    self: string;
    versions: string;
  };
};

/** As of an invocation, which completes them; what is of one run is refused: stdin, stdin_open, terminal, files, inputs, workspace, session, environment_spec, setup_command, disable_setup, is_evaluation, on_finish */
export type SpecOptions = {
  stdin?: never | undefined;
  stdin_open?: never | undefined;
  terminal?: never | undefined;
  /** Between SIGTERM and SIGKILL; 0 = SIGKILL at once */
  kill_grace_seconds?: number | undefined;
  /** The run ends after so long without output */
  idle_timeout_seconds?: number | undefined;
  /** The run ends when it has waited so long to start */
  queue_timeout_seconds?: number | undefined;
  /** Bytes kept of each stream, and as many of each of the setup */
  max_output_bytes?: number | undefined;
  files?: never | undefined;
  /** Globs under the working directory */
  artifacts?: string[] | undefined;
  limits?: {
    /** CPU time of one process, whole seconds */
    cpu_seconds?: number | undefined;
    /** Address space of one process, bytes */
    memory_bytes?: number | undefined;
    /** Processes and threads of the user */
    processes?: number | undefined;
    /** Open file descriptors of one process */
    open_files?: number | undefined;
    /** Largest file a process may write, bytes */
    file_size_bytes?: number | undefined;
  } | undefined;
  workspace?: never | undefined;
  environment_spec?: never | undefined;
  session?: never | undefined;
  /** Done before the command, where it runs */
  setup?: {
    /** argv, or text for sh -c; in their order, each when the one before ended with 0 */
    commands?: (string[] | string)[] | undefined;
    /** After these, where the run is an evaluation (is_evaluation) */
    evaluation_commands?: (string[] | string)[] | undefined;
    /** Last, where a session was reset */
    resume_commands?: (string[] | string)[] | undefined;
    /** For all of them together. Default: 600 */
    timeout_seconds?: number | undefined;
    /** docker: who runs them. Default: who runs the command */
    user?: string | undefined;
  } | undefined;
  setup_command?: never | undefined;
  disable_setup?: never | undefined;
  is_evaluation?: never | undefined;
  /** Assets that it uses, by the key that {{static:key}} stands for; where it is given, {} too, such placeholders are filled */
  assets?: {
    [name: string]: {
      /** The name of the asset. Default: the key */
      asset?: string | undefined;
      /** Default: the newest */
      version?: number | undefined;
      /** What it must be; the record has it in any case */
      digest?: string | undefined;
      /** Where it is below the place of all assets. Default: the key */
      save_path?: string | undefined;
      /** mount: to be read; copy: of its own, to be changed. Default: mount */
      mode?: 'mount' | 'copy' | undefined;
    };
  } | undefined;
  inputs?: never | undefined;
  /** What it leaves behind: artifacts of these ids */
  outputs?: {
    id: string;
    /** Below the working directory; a directory becomes one tar */
    path: string;
    /** Default: file, or directory */
    kind?: string | undefined;
    description?: string | undefined;
    /** Default: true: without it the run has failed */
    required?: boolean | undefined;
  }[] | undefined;
  /** True: ${…} in command and values of the environment stands for inputs, outputs and facts of the run */
  template?: boolean | undefined;
  on_finish?: never | undefined;
  docker?: SpecDockerOptions | undefined;
  http?: SpecHttpOptions | undefined;
  http_async?: SpecHttpAsyncOptions | undefined;
  manual?: SpecManualOptions | undefined;
  [name: string]: unknown;
};

export type Workspace = {
  workspace_id: string;
  state: 'filling' | 'ready' | 'restoring' | 'failed';
  /** Why it could not be filled */
  reason: string | null;
  /** What reset goes back to; null: it began empty, and reset empties it */
  base_snapshot: string | null;
  /** Of its files, when they were last counted */
  bytes: number;
  files: number;
  max_bytes: number | null;
  metadata: {
    [name: string]: string;
  };
  created_at: string;
  last_used_at: string;
  /** When it goes, if nobody uses it before; null: never */
  expires_at: string | null;
  runs: {
    running: number;
    queued: number;
  };
  links: {
    self: string;
    files: string;
    archive: string;
    snapshots: string;
  };
};

export type Snapshot = {
  snapshot_id: string;
  /** The workspace that it was taken of */
  workspace_id: string;
  /** SHA-256 (hex) of the list of all that is in it: the same content has the same */
  digest: string;
  /** Regular files in it */
  files: number;
  /** Sum of their sizes */
  bytes: number;
  /** What was there and is not in it, and why; of many the first */
  omitted: {
    path: string;
    reason: string;
  }[];
  metadata: {
    [name: string]: string;
  };
  created_at: string;
};

export type Diff = {
  /** Digest of the older side */
  from: string;
  to: string;
  stats: {
    created: number;
    deleted: number;
    modified: number;
    mode_changed: number;
    lines_added: number;
    lines_removed: number;
    /** Of so many the lines were not counted: over 1 MiB, or behind the first 64 MiB of contents */
    uncounted: number;
  };
  files: {
    path: string;
    /** `modified`: content, text of the link, or type; `mode_changed`: the content is the same */
    change: 'created' | 'deleted' | 'modified' | 'mode_changed';
    /** On the newer side, or the only one */
    type: 'file' | 'directory' | 'link';
    old: {
      /** Of a link: of its text; of a directory: 0 */
      size_bytes: number;
      /** Of a link: of its text; of a directory: null */
      sha256: string | null;
      mode: string;
    } | null;
    new: {
      /** Of a link: of its text; of a directory: 0 */
      size_bytes: number;
      /** Of a link: of its text; of a directory: null */
      sha256: string | null;
      mode: string;
    } | null;
    /** A NUL or no UTF-8 in it; of what is over 1 MiB only the first 8 KiB are looked at */
    binary: boolean;
    /** Null: not counted, see `stats.uncounted`, or it is binary */
    lines_added: number | null;
    lines_removed: number | null;
    /** As `git diff` writes it */
    patch?: string | undefined;
    /** Why there is none */
    patch_omitted?: string | undefined;
  }[];
  /** Path of the last one here; null: there are no more */
  next_cursor: string | null;
};

export type Session = {
  session_id: string;
  state: 'preparing' | 'ready' | 'failed' | 'closed';
  /** Why it failed; of a closed one: deleted, expired (ttl_seconds) or idle (idle_seconds) */
  reason: string | null;
  /** Why what it held beside its workspace could not be ended yet: that is tried again */
  trouble: string | null;
  /** 1, and one more at each reset */
  generation: number;
  /** When its container was last started again, which had stopped: what ran in it until then is gone, its files are not. Null: never in this generation */
  restarted_at: string | null;
  runtime_kind: string;
  environment_spec: {
    name: string;
    version: number;
    digest: string;
  } | null;
  is_evaluation: boolean;
  workspace_id: string;
  keep_workspace: boolean;
  /** The run that set it up, of this generation */
  setup_invocation_id: string;
  /** What was in its workspace when it got ready */
  ready_snapshot: string | null;
  /** Id of the snapshot */
  last_checkpoint: string | null;
  metadata: {
    [name: string]: string;
  };
  created_at: string;
  last_used_at: string;
  /** When it is closed, if nobody uses it before; null: never */
  expires_at: string | null;
  ttl_seconds: number | null;
  idle_seconds: number | null;
  runs: {
    running: number;
    queued: number;
  };
  links: {
    self: string;
    setup: string;
    workspace: string;
    checkpoint: string;
    reset: string;
  };
};

export type Checkpoint = {
  snapshot: Snapshot;
  /** Id of the snapshot that it is compared with */
  since: string;
  /** The first page; for more, patches, and text/x-diff: links.diff */
  diff: Diff;
  links: {
    snapshot: string;
    diff: string;
  };
};

export type Asset = {
  name: string;
  /** 1, 2, 3 …, also over deletion: name@3 never means two things */
  version: number;
  type: 'file' | 'directory';
  /** SHA-256 (hex) of the bytes; of a directory: as the digest of a snapshot with the same in it */
  digest: string;
  /** Of all files in it */
  bytes: number;
  files: number;
  media_type: string;
  created_at: string;
  links: {
    self: string;
    content: string;
    versions: string;
  };
};

export type DockerOptions = {
  image: string;
  pull?: 'missing' | 'always' | 'never' | undefined;
  /** Name of a secret that the server holds */
  registry_secret?: string | undefined;
  /** Instead of the image's; [] = none */
  entrypoint?: string[] | undefined;
  /** user, uid, or either with :group; default: not root */
  user?: string | undefined;
  workdir?: string | undefined;
  /** The run's working directory at workdir, rw; default: yes, but for a run in a workspace with an engine that is not at a socket of this machine */
  mount_workspace?: boolean | undefined;
  mounts?: {
    source: string;
    target: string;
    read_only?: boolean | undefined;
  }[] | undefined;
  tmpfs?: {
    target: string;
    size_bytes?: number | undefined;
    /** May programs be executed from it */
    exec?: boolean | undefined;
  }[] | undefined;
  ports?: {
    [name: string]: number | string;
  } | undefined;
  /** none, bridge, host or a name; default: none, or bridge when ports are given */
  network?: string | undefined;
  cpus?: number | undefined;
  /** Without swap; more than this ends the run */
  memory_bytes?: number | undefined;
  pids?: number | undefined;
  shm_bytes?: number | undefined;
  gpus?: 'all' | number | string[] | undefined;
  /** Root file system */
  read_only?: boolean | undefined;
  cap_add?: string[] | undefined;
  security_options?: string[] | undefined;
  platform?: string | undefined;
  /** Name to address */
  extra_hosts?: {
    [name: string]: string;
  } | undefined;
  labels?: {
    [name: string]: string;
  } | undefined;
  /** A first process that reaps and passes signals on */
  init?: boolean | undefined;
};

export type SpecDockerOptions = {
  image?: string | undefined;
  pull?: 'missing' | 'always' | 'never' | undefined;
  /** Name of a secret that the server holds */
  registry_secret?: string | undefined;
  /** Instead of the image's; [] = none */
  entrypoint?: string[] | undefined;
  /** user, uid, or either with :group; default: not root */
  user?: string | undefined;
  workdir?: string | undefined;
  /** The run's working directory at workdir, rw; default: yes, but for a run in a workspace with an engine that is not at a socket of this machine */
  mount_workspace?: boolean | undefined;
  mounts?: {
    source: string;
    target: string;
    read_only?: boolean | undefined;
  }[] | undefined;
  tmpfs?: {
    target: string;
    size_bytes?: number | undefined;
    /** May programs be executed from it */
    exec?: boolean | undefined;
  }[] | undefined;
  ports?: {
    [name: string]: number | string;
  } | undefined;
  /** none, bridge, host or a name; default: none, or bridge when ports are given */
  network?: string | undefined;
  cpus?: number | undefined;
  /** Without swap; more than this ends the run */
  memory_bytes?: number | undefined;
  pids?: number | undefined;
  shm_bytes?: number | undefined;
  gpus?: 'all' | number | string[] | undefined;
  /** Root file system */
  read_only?: boolean | undefined;
  cap_add?: string[] | undefined;
  security_options?: string[] | undefined;
  platform?: string | undefined;
  /** Name to address */
  extra_hosts?: {
    [name: string]: string;
  } | undefined;
  labels?: {
    [name: string]: string;
  } | undefined;
  /** A first process that reaps and passes signals on */
  init?: boolean | undefined;
};

export type HttpOptions = {
  /** http or https */
  url?: string | undefined;
  /** Default: POST */
  method?: string | undefined;
  headers?: {
    [name: string]: string;
  } | undefined;
  /** Added to the query of the URL */
  query?: {
    [name: string]: string | number | boolean | (string | number | boolean)[];
  } | undefined;
  /** Default: the file of input_payload_path, else none */
  body?: unknown | undefined;
  /** Default: json */
  body_format?: 'json' | 'form' | 'raw' | undefined;
  /** At most; default 10, 0: none */
  follow_redirects?: number | undefined;
  tls?: {
    /** PEM of the authorities to trust instead of the usual ones */
    ca?: string | undefined;
    /** Default: true */
    verify?: boolean | undefined;
  } | undefined;
  /** Credentials of the call; shown nowhere */
  auth?: {
    /** Name of a secret that the server holds */
    secret: string;
    /** bearer (default); basic: the secret is user:password; raw: the secret is the header’s value */
    scheme?: 'bearer' | 'basic' | 'raw' | undefined;
    /** Default: Authorization */
    header?: string | undefined;
  } | undefined;
  /** A file in the working directory that is the body */
  body_file?: string | undefined;
  /** Where in the working directory the body of an answer that is a success is written to as well */
  save_as?: string | undefined;
  /** Statuses that are a success; default 2xx */
  expect?: (number | string)[] | undefined;
  /** Off by default */
  retry?: {
    /** In all, the first included */
    attempts: number;
    /** Default: all of them */
    on?: ('429' | 'connect' | '5xx')[] | undefined;
    /** Before the second; doubles. Default 0.5 */
    backoff_seconds?: number | undefined;
  } | undefined;
};

export type SpecHttpOptions = {
  /** http or https */
  url?: string | undefined;
  /** Default: POST */
  method?: string | undefined;
  headers?: {
    [name: string]: string;
  } | undefined;
  /** Added to the query of the URL */
  query?: {
    [name: string]: string | number | boolean | (string | number | boolean)[];
  } | undefined;
  /** Default: the file of input_payload_path, else none */
  body?: unknown | undefined;
  /** Default: json */
  body_format?: 'json' | 'form' | 'raw' | undefined;
  /** At most; default 10, 0: none */
  follow_redirects?: number | undefined;
  tls?: {
    /** PEM of the authorities to trust instead of the usual ones */
    ca?: string | undefined;
    /** Default: true */
    verify?: boolean | undefined;
  } | undefined;
  /** Credentials of the call; shown nowhere */
  auth?: {
    /** Name of a secret that the server holds */
    secret: string;
    /** bearer (default); basic: the secret is user:password; raw: the secret is the header’s value */
    scheme?: 'bearer' | 'basic' | 'raw' | undefined;
    /** Default: Authorization */
    header?: string | undefined;
  } | undefined;
  /** A file in the working directory that is the body */
  body_file?: string | undefined;
  /** Where in the working directory the body of an answer that is a success is written to as well */
  save_as?: string | undefined;
  /** Statuses that are a success; default 2xx */
  expect?: (number | string)[] | undefined;
  /** Off by default */
  retry?: {
    /** In all, the first included */
    attempts: number;
    /** Default: all of them */
    on?: ('429' | 'connect' | '5xx')[] | undefined;
    /** Before the second; doubles. Default 0.5 */
    backoff_seconds?: number | undefined;
  } | undefined;
};

export type HttpAsyncOptions = {
  /** http or https */
  url?: string | undefined;
  /** Default: POST */
  method?: string | undefined;
  headers?: {
    [name: string]: string;
  } | undefined;
  /** Added to the query of the URL */
  query?: {
    [name: string]: string | number | boolean | (string | number | boolean)[];
  } | undefined;
  /** Default: the file of input_payload_path, else none */
  body?: unknown | undefined;
  /** Default: json */
  body_format?: 'json' | 'form' | 'raw' | undefined;
  /** At most; default 10, 0: none */
  follow_redirects?: number | undefined;
  tls?: {
    /** PEM of the authorities to trust instead of the usual ones */
    ca?: string | undefined;
    /** Default: true */
    verify?: boolean | undefined;
  } | undefined;
  /** Credentials of the call; shown nowhere */
  auth?: {
    /** Name of a secret that the server holds */
    secret: string;
    /** bearer (default); basic: the secret is user:password; raw: the secret is the header’s value */
    scheme?: 'bearer' | 'basic' | 'raw' | undefined;
    /** Default: Authorization */
    header?: string | undefined;
  } | undefined;
  /** URL, or path on the host of url; {run_id} is replaced. Absent: Location of the kickoff */
  poll_url_template?: string | undefined;
  /** Where the kickoff’s answer has the run id: data.runs.0.id */
  poll_run_id_path?: string | undefined;
  /** Where answers have the state */
  poll_status_path?: string | undefined;
  poll_terminal_states?: string[] | undefined;
  /** Default: completed */
  poll_success_states?: string[] | undefined;
  /** Default 2.0; the first poll is made at once */
  poll_interval_seconds?: number | undefined;
  /** For one poll; default 60. A late one is a transient error */
  poll_timeout_seconds?: number | undefined;
  /** Poll again: 404 */
  poll_pending_codes?: number[] | undefined;
  poll_backoff?: {
    /** Default: poll_interval_seconds */
    initial_seconds?: number | undefined;
    /** Default 1 */
    factor?: number | undefined;
    /** Default 60, or the first wait where that is longer */
    max_seconds?: number | undefined;
    /** Waits grow by up to this part; default 0.1 */
    jitter?: number | undefined;
  } | undefined;
  /** Answers in a row that say nothing of the job, and are borne: no connection, 408, 425, 429, 5xx, no JSON with a state; default 10 */
  poll_transient_limit?: number | undefined;
  /** Called on cancel and on timeout */
  cancel?: {
    /** URL, or path on the host of url; {run_id} is replaced */
    url_template: string;
    /** Default POST */
    method?: string | undefined;
  } | undefined;
  /** Server-sent events, followed beside polling or in its place */
  stream_url_template?: string | undefined;
  /** Where the kickoff’s answer may have the URL of the stream */
  stream_url_path?: string | undefined;
  /** Events whose data is output; default message, output */
  stream_output_events?: string[] | undefined;
  /** Events that end the stream; default done */
  stream_done_events?: string[] | undefined;
  callback?: {
    /** Kickoff header that gets the completion URL */
    header?: string | undefined;
    /** Field of the JSON body that gets it; dotted */
    body_field?: string | undefined;
  } | undefined;
  /** Kickoff header that gets the invocation id, by which the backend knows a repeat: after a crash it may be sent again */
  idempotency_header?: string | undefined;
  /** Where the final payload has what becomes stdout; default: all of it */
  output_path?: string | undefined;
  /** Where answers have a growing log, which becomes stderr */
  log_path?: string | undefined;
  /** Where the final payload says what went wrong */
  error_path?: string | undefined;
  /** Names of presets: docs/presets.md */
  preset?: string | undefined;
};

export type SpecHttpAsyncOptions = {
  /** http or https */
  url?: string | undefined;
  /** Default: POST */
  method?: string | undefined;
  headers?: {
    [name: string]: string;
  } | undefined;
  /** Added to the query of the URL */
  query?: {
    [name: string]: string | number | boolean | (string | number | boolean)[];
  } | undefined;
  /** Default: the file of input_payload_path, else none */
  body?: unknown | undefined;
  /** Default: json */
  body_format?: 'json' | 'form' | 'raw' | undefined;
  /** At most; default 10, 0: none */
  follow_redirects?: number | undefined;
  tls?: {
    /** PEM of the authorities to trust instead of the usual ones */
    ca?: string | undefined;
    /** Default: true */
    verify?: boolean | undefined;
  } | undefined;
  /** Credentials of the call; shown nowhere */
  auth?: {
    /** Name of a secret that the server holds */
    secret: string;
    /** bearer (default); basic: the secret is user:password; raw: the secret is the header’s value */
    scheme?: 'bearer' | 'basic' | 'raw' | undefined;
    /** Default: Authorization */
    header?: string | undefined;
  } | undefined;
  /** URL, or path on the host of url; {run_id} is replaced. Absent: Location of the kickoff */
  poll_url_template?: string | undefined;
  /** Where the kickoff’s answer has the run id: data.runs.0.id */
  poll_run_id_path?: string | undefined;
  /** Where answers have the state */
  poll_status_path?: string | undefined;
  poll_terminal_states?: string[] | undefined;
  /** Default: completed */
  poll_success_states?: string[] | undefined;
  /** Default 2.0; the first poll is made at once */
  poll_interval_seconds?: number | undefined;
  /** For one poll; default 60. A late one is a transient error */
  poll_timeout_seconds?: number | undefined;
  /** Poll again: 404 */
  poll_pending_codes?: number[] | undefined;
  poll_backoff?: {
    /** Default: poll_interval_seconds */
    initial_seconds?: number | undefined;
    /** Default 1 */
    factor?: number | undefined;
    /** Default 60, or the first wait where that is longer */
    max_seconds?: number | undefined;
    /** Waits grow by up to this part; default 0.1 */
    jitter?: number | undefined;
  } | undefined;
  /** Answers in a row that say nothing of the job, and are borne: no connection, 408, 425, 429, 5xx, no JSON with a state; default 10 */
  poll_transient_limit?: number | undefined;
  /** Called on cancel and on timeout */
  cancel?: {
    /** URL, or path on the host of url; {run_id} is replaced */
    url_template: string;
    /** Default POST */
    method?: string | undefined;
  } | undefined;
  /** Server-sent events, followed beside polling or in its place */
  stream_url_template?: string | undefined;
  /** Where the kickoff’s answer may have the URL of the stream */
  stream_url_path?: string | undefined;
  /** Events whose data is output; default message, output */
  stream_output_events?: string[] | undefined;
  /** Events that end the stream; default done */
  stream_done_events?: string[] | undefined;
  callback?: {
    /** Kickoff header that gets the completion URL */
    header?: string | undefined;
    /** Field of the JSON body that gets it; dotted */
    body_field?: string | undefined;
  } | undefined;
  /** Kickoff header that gets the invocation id, by which the backend knows a repeat: after a crash it may be sent again */
  idempotency_header?: string | undefined;
  /** Where the final payload has what becomes stdout; default: all of it */
  output_path?: string | undefined;
  /** Where answers have a growing log, which becomes stderr */
  log_path?: string | undefined;
  /** Where the final payload says what went wrong */
  error_path?: string | undefined;
  /** Names of presets: docs/presets.md */
  preset?: string | undefined;
};

export type ManualOptions = {
  /** Lease of a worker that asks for none, seconds */
  lease_seconds?: number | undefined;
  /** The run fails when so many claims were lost */
  max_attempts?: number | undefined;
  /** The run is not claimed but POSTed here, with its claim */
  dispatch_url?: string | undefined;
  /** Name of a secret of the server: the POST is signed with it, as Standard Webhooks say */
  dispatch_secret?: string | undefined;
  /** Name of a function of the program that embeds Runwire */
  dispatcher?: string | undefined;
};

export type SpecManualOptions = {
  /** Lease of a worker that asks for none, seconds */
  lease_seconds?: number | undefined;
  /** The run fails when so many claims were lost */
  max_attempts?: number | undefined;
  /** The run is not claimed but POSTed here, with its claim */
  dispatch_url?: string | undefined;
  /** Name of a secret of the server: the POST is signed with it, as Standard Webhooks say */
  dispatch_secret?: string | undefined;
  /** Name of a function of the program that embeds Runwire */
  dispatcher?: string | undefined;
};

/** What may stand in the query, by operation. */
export interface Queries {
  listInvocations: {
    status?: 'pending' | 'running' | 'succeeded' | 'failed' | 'timed_out' | 'cancelled' | 'rejected' | undefined;
    runtime_kind?: string | undefined;
    runtime_name?: string | undefined;
    limit?: number | undefined;
    /** next_cursor of the page before */
    cursor?: string | undefined;
  };
  submitInvocation: {
    /** Wait up to so many seconds (at most 3600) for the run to finish */
    wait?: number | undefined;
  };
  getInvocation: {
    /** Wait up to so many seconds (at most 3600) for the run to finish */
    wait?: number | undefined;
  };
  getEvents: {
    /** seq after which to begin; ahead of the newest event it is 400 */
    after?: number | undefined;
    /** false: what is there now; default true: until the run has finished */
    follow?: 'true' | 'false' | undefined;
  };
  get_stdout: {
    /** true: as it comes, until the run has finished */
    follow?: 'true' | 'false' | undefined;
    /** setup: what the setup wrote, and nothing where the run has none */
    phase?: 'setup' | 'command' | undefined;
    /** byte at which to begin, also of what is still to come; more than there are now is 400 */
    offset?: number | undefined;
  };
  get_stderr: {
    /** true: as it comes, until the run has finished */
    follow?: 'true' | 'false' | undefined;
    /** setup: what the setup wrote, and nothing where the run has none */
    phase?: 'setup' | 'command' | undefined;
    /** byte at which to begin, also of what is still to come; more than there are now is 400 */
    offset?: number | undefined;
  };
  get_output: {
    /** true: as it comes, until the run has finished */
    follow?: 'true' | 'false' | undefined;
    /** setup: what the setup wrote, and nothing where the run has none */
    phase?: 'setup' | 'command' | undefined;
    /** byte at which to begin, also of what is still to come; more than there are now is 400 */
    offset?: number | undefined;
  };
  openTerminal: {
    /** byte at which to begin, also of what is still to come; more than there are now is 400 */
    offset?: number | undefined;
  };
  listFiles: {
    /** Which: `src/**\/*.ts` */
    glob?: string | undefined;
    /** true: with the sha256 of each file */
    hash?: 'true' | 'false' | undefined;
    limit?: number | undefined;
    /** next_cursor of the page before */
    cursor?: string | undefined;
  };
  deleteClaimedFile: {
    /** true: a directory goes with all that is in it */
    recursive?: 'true' | 'false' | undefined;
  };
  putClaimedFile: {
    /** Default: that of the file which it replaces, else 0644 */
    mode?: string | undefined;
  };
  getArchive: {
    /** Which: `src/**\/*.ts` */
    glob?: string | undefined;
    /** Default: by Accept, else tar */
    format?: 'tar' | 'tar.gz' | 'zip' | undefined;
  };
  listWorkspaces: {
    limit?: number | undefined;
    /** next_cursor of the page before */
    cursor?: string | undefined;
  };
  createWorkspace: {
    /** Wait up to so many seconds (at most 3600) for it to be filled; POST: 30 */
    wait?: number | undefined;
  };
  getWorkspace: {
    /** Wait up to so many seconds (at most 3600) for it to be filled; POST: 30 */
    wait?: number | undefined;
  };
  deleteWorkspace: {
    /** true: its unfinished runs are cancelled first, and waited for */
    cancel?: 'true' | 'false' | undefined;
  };
  listWorkspaceFiles: {
    /** Which: `src/**\/*.ts` */
    glob?: string | undefined;
    /** true: with the sha256 of each file */
    hash?: 'true' | 'false' | undefined;
    limit?: number | undefined;
    /** next_cursor of the page before */
    cursor?: string | undefined;
  };
  unpackIntoWorkspace: {
    /** Directory to unpack below, which is made. Default: the workspace */
    path?: string | undefined;
  };
  deleteWorkspaceFile: {
    /** true: a directory goes with all that is in it */
    recursive?: 'true' | 'false' | undefined;
  };
  putWorkspaceFile: {
    /** Default: that of the file which it replaces, else 0644 */
    mode?: string | undefined;
  };
  getWorkspaceArchive: {
    /** Which: `src/**\/*.ts` */
    glob?: string | undefined;
    /** Default: by Accept, else tar */
    format?: 'tar' | 'tar.gz' | 'zip' | undefined;
  };
  listWorkspaceSnapshots: {
    limit?: number | undefined;
    /** next_cursor of the page before */
    cursor?: string | undefined;
  };
  takeSnapshot: {
    /** true: also while a run is in it; files that change meanwhile may be left out */
    while_running?: 'true' | 'false' | undefined;
  };
  listSnapshots: {
    limit?: number | undefined;
    /** next_cursor of the page before */
    cursor?: string | undefined;
    /** Those that were taken of it */
    workspace_id?: string | undefined;
  };
  listSnapshotFiles: {
    /** Which: `src/**\/*.ts` */
    glob?: string | undefined;
    /** true: with the sha256 of each file */
    hash?: 'true' | 'false' | undefined;
    limit?: number | undefined;
    /** next_cursor of the page before */
    cursor?: string | undefined;
  };
  getSnapshotArchive: {
    /** Which: `src/**\/*.ts` */
    glob?: string | undefined;
    /** Default: by Accept, else tar */
    format?: 'tar' | 'tar.gz' | 'zip' | undefined;
  };
  diffWorkspace: {
    /** true: with the text of each change */
    patch?: 'true' | 'false' | undefined;
    /** Of files a page; default: 1000. Not of text/x-diff, which is all of it */
    limit?: number | undefined;
    /** next_cursor of the page before */
    cursor?: string | undefined;
    /** A snapshot: the older side */
    from: string;
  };
  diffSnapshots: {
    /** true: with the text of each change */
    patch?: 'true' | 'false' | undefined;
    /** Of files a page; default: 1000. Not of text/x-diff, which is all of it */
    limit?: number | undefined;
    /** next_cursor of the page before */
    cursor?: string | undefined;
  };
  listEnvironmentSpecs: {
    limit?: number | undefined;
    /** next_cursor of the page before */
    cursor?: string | undefined;
  };
  listEnvironmentSpecVersions: {
    limit?: number | undefined;
    /** next_cursor of the page before */
    cursor?: string | undefined;
  };
  listAssets: {
    limit?: number | undefined;
    /** next_cursor of the page before */
    cursor?: string | undefined;
  };
  putAsset: {
    /** true: the bytes are a tar, a tar in gzip or a zip, and become a directory */
    extract?: 'true' | 'false' | undefined;
  };
  listAssetVersions: {
    limit?: number | undefined;
    /** next_cursor of the page before */
    cursor?: string | undefined;
  };
  getAssetContent: {
    /** Which: `src/**\/*.ts` */
    glob?: string | undefined;
    /** Default: by Accept, else tar */
    format?: 'tar' | 'tar.gz' | 'zip' | undefined;
    /** Of a directory: one file in it */
    path?: string | undefined;
    /** Of a signed address: whom it was made for */
    run?: string | undefined;
    /** The same: until when it is good, seconds */
    expires?: number | undefined;
    /** The same: instead of a token */
    signature?: string | undefined;
  };
  listSessions: {
    limit?: number | undefined;
    /** next_cursor of the page before */
    cursor?: string | undefined;
  };
  createSession: {
    /** Wait up to so many seconds (at most 3600) until it is no longer preparing */
    wait?: number | undefined;
  };
  getSession: {
    /** Wait up to so many seconds (at most 3600) until it is no longer preparing */
    wait?: number | undefined;
  };
  checkpointSession: {
    /** true: also while a run is in it; files that change meanwhile may be left out */
    while_running?: 'true' | 'false' | undefined;
    /** true: with the text of each change */
    patch?: 'true' | 'false' | undefined;
  };
  resetSession: {
    /** Wait up to so many seconds (at most 3600) until it is no longer preparing */
    wait?: number | undefined;
  };
  writeStdin: {
    /** true: standard input is closed after these bytes */
    eof?: 'true' | 'false' | undefined;
  };
  callBack: {
    /** As the callback address has it */
    token: string;
  };
}

/** The JSON that is sent, by operation. */
export interface Bodies {
  submitInvocation: InvocationInput;
  reportEvents: WorkerEventInput[];
  sendSignal: {
    signal: string;
  };
  cancelInvocation: {
    /** Between SIGTERM and SIGKILL */
    grace_seconds?: number | undefined;
  } | null;
  createWorkspace: {
    /** Default: one that the server makes */
    workspace_id?: string | undefined;
    /** One of these. Default: nothing is in it */
    from?: {
      /** Id of a snapshot */
      snapshot?: string | undefined;
      /** Id of another workspace, as it is now */
      workspace?: string | undefined;
      /** The directory of a run, which the server made for it */
      invocation?: string | undefined;
      /** A tree of a repository, with its .git */
      git?: {
        /** https or http, without user, password and query */
        url: string;
        /** Branch, tag or commit. Default: HEAD */
        ref?: string | undefined;
        /** Name of a secret of the server: a token for this host */
        secret?: string | undefined;
      } | undefined;
    } | undefined;
    /** Put in after `from` */
    files?: {
      /** Relative, with slashes */
      path: string;
      text?: string | undefined;
      base64?: string | undefined;
      /** Of a finished run */
      artifact?: {
        invocation_id: string;
        artifact_id: string;
      } | undefined;
      /** name, or name@version; a directory comes with all in it */
      asset?: string | undefined;
      /** Default: 0644 */
      mode?: string | undefined;
    }[] | undefined;
    metadata?: {
      [name: string]: string;
    } | undefined;
    /** It is removed when it was not used for so long. Default: never */
    ttl_seconds?: number | undefined;
    /** What its files may have together. Default, and the most: RUNWIRE_MAX_WORKSPACE_BYTES */
    max_bytes?: number | undefined;
  };
  takeSnapshot: {
    /** Default: one that the server makes */
    snapshot_id?: string | undefined;
    /** Globs: nothing else is in it */
    keep?: string[] | undefined;
    /** Globs: what they match is not in it, nor what is below */
    ignore?: string[] | undefined;
    metadata?: {
      [name: string]: string;
    } | undefined;
  } | null;
  restoreWorkspace: {
    snapshot_id: string;
    /** `exact`: what is not in the snapshot goes; `overlay`: it stays */
    mode?: 'exact' | 'overlay' | undefined;
  };
  resetWorkspace: { [name: string]: never } | null;
  putEnvironmentSpec: EnvironmentSpecInput;
  putAsset: {
    /** Of what is to be kept; redirects are followed, each judged as the first */
    url: string;
    /** SHA-256 of the bytes that come: of the archive, where it is extracted */
    sha256: string;
    /** Name of a secret of the server, for the origin of the URL alone: a token, user:password, or the whole Authorization */
    secret?: string | undefined;
    /** true: they are an archive, and become a directory */
    extract?: boolean | undefined;
    /** Default: as the answer says */
    media_type?: string | undefined;
  };
  createSession: NewSessionInput;
  checkpointSession: {
    /** Default: one that the server makes */
    snapshot_id?: string | undefined;
    /** Globs: nothing else is in it */
    keep?: string[] | undefined;
    /** Globs: what they match is not in it, nor what is below */
    ignore?: string[] | undefined;
    metadata?: {
      [name: string]: string;
    } | undefined;
  } | null;
  resetSession: { [name: string]: never } | null;
  claimRun: {
    /** Only runs of this name */
    runtime_name?: string | undefined;
    /** Who asks, in words for people */
    worker?: string | undefined;
    /** The claim is lost when the worker says nothing for so long */
    lease_seconds?: number | undefined;
    /** Wait so long for a run to come */
    wait_seconds?: number | undefined;
  } | null;
  heartbeat: {
    /** The claim is lost when the worker says nothing for so long */
    lease_seconds?: number | undefined;
    /** Answer only after so long, or as soon as the run is to be cancelled */
    wait_seconds?: number | undefined;
  } | null;
  completeRun: CompletionInput;
  speakMcp: {
    [name: string]: unknown;
  };
  callBack: unknown;
}

/** The JSON that answers, by operation. */
export interface Answers {
  getRoot: {
    name: 'runwire';
    version: string;
    invocations: string;
    workspaces: string;
    snapshots: string;
    assets: string;
    environment_specs: string;
    sessions: string;
    runtimes: string;
    readiness: string;
    docs: string;
    openapi: string;
    llms: string;
  };
  listInvocations: {
    items: Record[];
    next_cursor: string | null;
  };
  submitInvocation: Record;
  getInvocation: Record;
  getRuntimeInvocation: ExactInvocation;
  getResult: RuntimeResult;
  reportEvents: ClaimState;
  cancelInvocation: Record;
  listArtifacts: {
    items: ArtifactDescriptor[];
  };
  putArtifact: ArtifactDescriptor;
  listFiles: {
    items: {
      /** Relative, with slashes */
      path: string;
      type: 'file' | 'directory' | 'link' | 'fifo' | 'socket' | 'device';
      /** 0 of what is no file */
      size_bytes: number;
      /** Permission bits in octal: 0644 */
      mode: string;
      modified_at: string;
      /** Where a link points, as it says */
      target?: string | undefined;
      /** Of a file, where it was asked for */
      sha256?: string | undefined;
    }[];
    next_cursor: string | null;
  };
  listWorkspaces: {
    items: Workspace[];
    next_cursor: string | null;
  };
  createWorkspace: Workspace;
  getWorkspace: Workspace;
  listWorkspaceFiles: {
    items: {
      /** Relative, with slashes */
      path: string;
      type: 'file' | 'directory' | 'link' | 'fifo' | 'socket' | 'device';
      /** 0 of what is no file */
      size_bytes: number;
      /** Permission bits in octal: 0644 */
      mode: string;
      modified_at: string;
      /** Where a link points, as it says */
      target?: string | undefined;
      /** Of a file, where it was asked for */
      sha256?: string | undefined;
    }[];
    next_cursor: string | null;
  };
  unpackIntoWorkspace: {
    /** Regular files that came */
    files: number;
    /** Sum of their sizes */
    bytes: number;
  };
  listWorkspaceSnapshots: {
    items: Snapshot[];
    next_cursor: string | null;
  };
  takeSnapshot: Snapshot;
  restoreWorkspace: Workspace;
  resetWorkspace: Workspace;
  listSnapshots: {
    items: Snapshot[];
    next_cursor: string | null;
  };
  getSnapshot: Snapshot;
  listSnapshotFiles: {
    items: {
      /** Relative, with slashes */
      path: string;
      type: 'file' | 'directory' | 'link' | 'fifo' | 'socket' | 'device';
      /** 0 of what is no file */
      size_bytes: number;
      /** Permission bits in octal: 0644 */
      mode: string;
      modified_at: string;
      /** Where a link points, as it says */
      target?: string | undefined;
      /** Of a file, where it was asked for */
      sha256?: string | undefined;
    }[];
    next_cursor: string | null;
  };
  diffWorkspace: Diff;
  diffSnapshots: Diff;
  putEnvironmentSpec: StoredEnvironmentSpec;
  getEnvironmentSpec: StoredEnvironmentSpec;
  listEnvironmentSpecs: {
    items: StoredEnvironmentSpec[];
    next_cursor: string | null;
  };
  listEnvironmentSpecVersions: {
    items: StoredEnvironmentSpec[];
    next_cursor: string | null;
  };
  listAssets: {
    items: Asset[];
    next_cursor: string | null;
  };
  getAsset: Asset;
  putAsset: Asset;
  listAssetVersions: {
    items: Asset[];
    next_cursor: string | null;
  };
  listSessions: {
    items: Session[];
    next_cursor: string | null;
  };
  createSession: Session;
  getSession: Session;
  checkpointSession: Checkpoint;
  resetSession: Session;
  claimRun: Claimed;
  heartbeat: ClaimState;
  completeRun: Record;
  listRuntimes: {
    items: {
      kind: string;
      name: string;
      description: string;
      /** JSON Schema of options.<kind> */
      options_schema: unknown;
      available: boolean;
      /** Why it is not available */
      reason: string | null;
    }[];
  };
  getRuntime: {
    kind: string;
    name: string;
    description: string;
    /** JSON Schema of options.<kind> */
    options_schema: unknown;
    available: boolean;
    /** Why it is not available */
    reason: string | null;
  };
  getHealth: {
    status: 'ok';
  };
  getReadiness: {
    ready: boolean;
    reason: string | null;
    running?: number | undefined;
    queued?: number | undefined;
    /** Runs that an earlier server left unfinished; new ones are taken meanwhile */
    recovery?: {
      /** Waited for a place, and wait again */
      queued: number;
      /** Ran, and are resumed, or had ended in a way that was learnt */
      resumed: number;
      /** Ran, and nobody knows how they ended */
      lost: number;
      /** Ran, and are still being looked for */
      still_recovering: number;
    } | undefined;
  };
  speakMcp: {
    [name: string]: unknown;
  };
}
