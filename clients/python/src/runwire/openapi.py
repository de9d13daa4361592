"""The documents of the server. Made from openapi.yaml by `npm run openapi`: what is wanted otherwise is changed in the schemas."""

from __future__ import annotations

from typing import Any, Literal, Never, NotRequired, TypeAlias, TypedDict


class InvocationInput(TypedDict):
    schema_version: NotRequired[Literal["0.1"]]
    contract_kind: NotRequired[Literal["runtime_invocation"]]
    invocation_id: NotRequired[str]
    """Absent: the server makes a sortable one"""
    runtime_name: NotRequired[str]
    """Default: the kind"""
    runtime_kind: NotRequired[str]
    """One of subprocess, docker, http, http_async, manual, or an alias of one: container, async_http, async-http; may be absent where options name an environment spec or a session, which have one"""
    working_directory: NotRequired[str | None]
    """Absent or null: a scratch directory of the run's own"""
    command: NotRequired[list[str]]
    """argv; no shell. Needed by kinds that start a process"""
    environment: NotRequired[dict[str, str]]
    timeout_seconds: NotRequired[float | None]
    """Seconds, may have a fraction; null: none"""
    input_payload_path: NotRequired[str | None]
    output_result_path: NotRequired[str | None]
    artifact_directory: NotRequired[str | None]
    metadata: NotRequired[dict[str, str]]
    options: NotRequired[OptionsInput]


class OptionsInputTerminal(TypedDict):
    """Standard input, output and error are one terminal of this size, fed by …/terminal or POST …/stdin; all that it shows is stdout"""
    cols: int
    rows: int


class OptionsInputFilesArtifact(TypedDict):
    """Of a finished run"""
    invocation_id: str
    artifact_id: str


class OptionsInputFiles(TypedDict):
    path: str
    """Relative, with slashes"""
    text: NotRequired[str]
    base64: NotRequired[str]
    artifact: NotRequired[OptionsInputFilesArtifact]
    """Of a finished run"""
    asset: NotRequired[str]
    """name, or name@version; a directory comes with all in it"""
    mode: NotRequired[str]
    """Default: 0644"""


class OptionsInputLimits(TypedDict):
    cpu_seconds: NotRequired[int]
    """CPU time of one process, whole seconds"""
    memory_bytes: NotRequired[int]
    """Address space of one process, bytes"""
    processes: NotRequired[int]
    """Processes and threads of the user"""
    open_files: NotRequired[int]
    """Open file descriptors of one process"""
    file_size_bytes: NotRequired[int]
    """Largest file a process may write, bytes"""


class OptionsInputWorkspace(TypedDict):
    id: str
    shared: NotRequired[bool]
    """It may run beside others that say so too"""
    snapshot: NotRequired[Literal["before", "after", "both"]]
    keep: NotRequired[list[str]]
    """Of these snapshots, globs: nothing else is in them"""
    ignore: NotRequired[list[str]]
    """The same: what they match is not in them, nor what is below"""


class OptionsInputSetup(TypedDict):
    """Done before the command, where it runs"""
    commands: NotRequired[list[list[str] | str]]
    """argv, or text for sh -c; in their order, each when the one before ended with 0"""
    evaluation_commands: NotRequired[list[list[str] | str]]
    """After these, where the run is an evaluation (is_evaluation)"""
    resume_commands: NotRequired[list[list[str] | str]]
    """Last, where a session was reset"""
    timeout_seconds: NotRequired[float]
    """For all of them together. Default: 600"""
    user: NotRequired[str]
    """docker: who runs them. Default: who runs the command"""


class OptionsInputAssets(TypedDict):
    asset: NotRequired[str]
    """The name of the asset. Default: the key"""
    version: NotRequired[int]
    """Default: the newest"""
    digest: NotRequired[str]
    """What it must be; the record has it in any case"""
    save_path: NotRequired[str]
    """Where it is below the place of all assets. Default: the key"""
    mode: NotRequired[Literal["mount", "copy"]]
    """mount: to be read; copy: of its own, to be changed. Default: mount"""


class OptionsInputInputsArtifact(TypedDict):
    """Of a finished run"""
    invocation_id: str
    artifact_id: str
    sha256: NotRequired[str]
    """What it must be; the record has it in any case"""


class OptionsInputInputs(TypedDict):
    id: str
    artifact: NotRequired[OptionsInputInputsArtifact]
    """Of a finished run"""
    asset: NotRequired[str]
    """name, or name@version"""
    file: NotRequired[str]
    """A path of the machine; relative: to the working directory"""
    text: NotRequired[str]
    base64: NotRequired[str]
    value: NotRequired[Any]
    """Any JSON: no file, its text is for templates"""
    filename: NotRequired[str]
    """Default: that of the artifact or asset, else the id"""
    extract: NotRequired[bool]
    """true: it is an archive, and becomes a directory"""


class OptionsInputOutputs(TypedDict):
    id: str
    path: str
    """Below the working directory; a directory becomes one tar"""
    kind: NotRequired[str]
    """Default: file, or directory"""
    description: NotRequired[str]
    required: NotRequired[bool]
    """Default: true: without it the run has failed"""


class OptionsInputOnFinish(TypedDict):
    url: str
    secret: NotRequired[str]


class OptionsInput(TypedDict):
    stdin: NotRequired[str]
    """Text for standard input"""
    stdin_open: NotRequired[bool]
    """Standard input is fed by POST …/stdin"""
    terminal: NotRequired[OptionsInputTerminal]
    """Standard input, output and error are one terminal of this size, fed by …/terminal or POST …/stdin; all that it shows is stdout"""
    kill_grace_seconds: NotRequired[float]
    """Between SIGTERM and SIGKILL; 0 = SIGKILL at once"""
    idle_timeout_seconds: NotRequired[float]
    """The run ends after so long without output"""
    queue_timeout_seconds: NotRequired[float]
    """The run ends when it has waited so long to start"""
    max_output_bytes: NotRequired[int]
    """Bytes kept of each stream, and as many of each of the setup"""
    files: NotRequired[list[OptionsInputFiles]]
    """Made in the working directory before the start"""
    artifacts: NotRequired[list[str]]
    """Globs under the working directory"""
    limits: NotRequired[OptionsInputLimits]
    workspace: NotRequired[str | OptionsInputWorkspace]
    """The directory that it works in, kept by the server from one run to the next"""
    environment_spec: NotRequired[str]
    """A stored environment spec: name, or name@version. What the invocation says itself goes before it"""
    session: NotRequired[str]
    """The session that it runs in"""
    setup: NotRequired[OptionsInputSetup]
    """Done before the command, where it runs"""
    setup_command: NotRequired[list[str] | str]
    """One more command of the setup, the last"""
    disable_setup: NotRequired[bool]
    """True: no setup at all"""
    is_evaluation: NotRequired[bool]
    """True: evaluation_commands of the setup run too"""
    assets: NotRequired[dict[str, OptionsInputAssets]]
    """Assets that it uses, by the key that {{static:key}} stands for; where it is given, {} too, such placeholders are filled"""
    inputs: NotRequired[list[OptionsInputInputs]]
    """What it is given, each under a name of its own"""
    outputs: NotRequired[list[OptionsInputOutputs]]
    """What it leaves behind: artifacts of these ids"""
    template: NotRequired[bool]
    """True: ${…} in command and values of the environment stands for inputs, outputs and facts of the run"""
    on_finish: NotRequired[OptionsInputOnFinish]
    docker: NotRequired[DockerOptions]
    http: NotRequired[HttpOptions]
    http_async: NotRequired[HttpAsyncOptions]
    manual: NotRequired[ManualOptions]


class WorkerEventInputStdout(TypedDict):
    type: Literal["stdout"]
    phase: NotRequired[Literal["setup", "command"]]
    """setup: captured apart, with offsets of its own. Default: command"""
    offset: NotRequired[int]
    """Bytes of this stream and phase reported before these, by this claim: what was taken already is not taken again"""
    text: NotRequired[str]
    base64: NotRequired[str]


class WorkerEventInputStderr(TypedDict):
    type: Literal["stderr"]
    phase: NotRequired[Literal["setup", "command"]]
    """setup: captured apart, with offsets of its own. Default: command"""
    offset: NotRequired[int]
    """Bytes of this stream and phase reported before these, by this claim: what was taken already is not taken again"""
    text: NotRequired[str]
    base64: NotRequired[str]


class WorkerEventInputProgress(TypedDict):
    type: Literal["progress"]
    message: NotRequired[str]
    data: NotRequired[Any]

WorkerEventInput: TypeAlias = "WorkerEventInputStdout | WorkerEventInputStderr | WorkerEventInputProgress"


class CompletionInputArtifacts(TypedDict):
    artifact_id: str


class CompletionInput(TypedDict):
    status: Literal["succeeded", "failed", "timed_out", "cancelled", "rejected"]
    exit_code: NotRequired[int | None]
    error_summary: NotRequired[str | None]
    metadata: NotRequired[dict[str, str]]
    artifacts: NotRequired[list[str | CompletionInputArtifacts]]
    schema_version: NotRequired[Literal["0.1"]]
    contract_kind: NotRequired[Literal["runtime_result"]]
    invocation_id: NotRequired[str]
    runtime_name: NotRequired[str]
    runtime_kind: NotRequired[str]


class EnvironmentSpecInputSetup(TypedDict):
    """The same as options.setup: one of the two"""
    commands: NotRequired[list[list[str] | str]]
    """argv, or text for sh -c; in their order, each when the one before ended with 0"""
    evaluation_commands: NotRequired[list[list[str] | str]]
    """After these, where the run is an evaluation (is_evaluation)"""
    resume_commands: NotRequired[list[list[str] | str]]
    """Last, where a session was reset"""
    timeout_seconds: NotRequired[float]
    """For all of them together. Default: 600"""
    user: NotRequired[str]
    """docker: who runs them. Default: who runs the command"""


class EnvironmentSpecInputAssets(TypedDict):
    asset: NotRequired[str]
    """The name of the asset. Default: the key"""
    version: NotRequired[int]
    """Default: the newest"""
    digest: NotRequired[str]
    """What it must be; the record has it in any case"""
    save_path: NotRequired[str]
    """Where it is below the place of all assets. Default: the key"""
    mode: NotRequired[Literal["mount", "copy"]]
    """mount: to be read; copy: of its own, to be changed. Default: mount"""


class EnvironmentSpecInputSnapshot(TypedDict):
    """What is in snapshots that runs take (options.workspace.snapshot)"""
    keep: NotRequired[list[str]]
    """Globs: nothing else is in it"""
    ignore: NotRequired[list[str]]
    """Globs: what they match is not in it, nor what is below"""


class EnvironmentSpecInputEntry(TypedDict):
    """The command of invocations that have none"""
    command: list[str]
    """argv; no shell"""
    agent_command: NotRequired[list[str]]
    """Instead of it, where the run is no evaluation"""
    file: NotRequired[str]
    """One more argument of both, the last"""


class EnvironmentSpecInput(TypedDict):
    description: NotRequired[str]
    runtime_kind: str
    """One of subprocess, docker, http, http_async, manual, or an alias of one: container, async_http, async-http"""
    environment: NotRequired[dict[str, str]]
    secrets: NotRequired[Never]
    """Not yet: refused"""
    options: NotRequired[SpecOptionsInput]
    setup: NotRequired[EnvironmentSpecInputSetup]
    """The same as options.setup: one of the two"""
    assets: NotRequired[dict[str, EnvironmentSpecInputAssets]]
    """The same as options.assets: one of the two"""
    snapshot: NotRequired[EnvironmentSpecInputSnapshot]
    """What is in snapshots that runs take (options.workspace.snapshot)"""
    entry: NotRequired[EnvironmentSpecInputEntry]
    """The command of invocations that have none"""
    name: NotRequired[str]
    """Where it is there, that of the path"""
    version: NotRequired[float]
    digest: NotRequired[str]
    created_at: NotRequired[str]
    links: NotRequired[dict[str, Any]]


class SpecOptionsInputLimits(TypedDict):
    cpu_seconds: NotRequired[int]
    """CPU time of one process, whole seconds"""
    memory_bytes: NotRequired[int]
    """Address space of one process, bytes"""
    processes: NotRequired[int]
    """Processes and threads of the user"""
    open_files: NotRequired[int]
    """Open file descriptors of one process"""
    file_size_bytes: NotRequired[int]
    """Largest file a process may write, bytes"""


class SpecOptionsInputSetup(TypedDict):
    """Done before the command, where it runs"""
    commands: NotRequired[list[list[str] | str]]
    """argv, or text for sh -c; in their order, each when the one before ended with 0"""
    evaluation_commands: NotRequired[list[list[str] | str]]
    """After these, where the run is an evaluation (is_evaluation)"""
    resume_commands: NotRequired[list[list[str] | str]]
    """Last, where a session was reset"""
    timeout_seconds: NotRequired[float]
    """For all of them together. Default: 600"""
    user: NotRequired[str]
    """docker: who runs them. Default: who runs the command"""


class SpecOptionsInputAssets(TypedDict):
    asset: NotRequired[str]
    """The name of the asset. Default: the key"""
    version: NotRequired[int]
    """Default: the newest"""
    digest: NotRequired[str]
    """What it must be; the record has it in any case"""
    save_path: NotRequired[str]
    """Where it is below the place of all assets. Default: the key"""
    mode: NotRequired[Literal["mount", "copy"]]
    """mount: to be read; copy: of its own, to be changed. Default: mount"""


class SpecOptionsInputOutputs(TypedDict):
    id: str
    path: str
    """Below the working directory; a directory becomes one tar"""
    kind: NotRequired[str]
    """Default: file, or directory"""
    description: NotRequired[str]
    required: NotRequired[bool]
    """Default: true: without it the run has failed"""


class SpecOptionsInput(TypedDict):
    """As of an invocation, which completes them; what is of one run is refused: stdin, stdin_open, terminal, files, inputs, workspace, session, environment_spec, setup_command, disable_setup, is_evaluation, on_finish"""
    stdin: NotRequired[Never]
    stdin_open: NotRequired[Never]
    terminal: NotRequired[Never]
    kill_grace_seconds: NotRequired[float]
    """Between SIGTERM and SIGKILL; 0 = SIGKILL at once"""
    idle_timeout_seconds: NotRequired[float]
    """The run ends after so long without output"""
    queue_timeout_seconds: NotRequired[float]
    """The run ends when it has waited so long to start"""
    max_output_bytes: NotRequired[int]
    """Bytes kept of each stream, and as many of each of the setup"""
    files: NotRequired[Never]
    artifacts: NotRequired[list[str]]
    """Globs under the working directory"""
    limits: NotRequired[SpecOptionsInputLimits]
    workspace: NotRequired[Never]
    environment_spec: NotRequired[Never]
    session: NotRequired[Never]
    setup: NotRequired[SpecOptionsInputSetup]
    """Done before the command, where it runs"""
    setup_command: NotRequired[Never]
    disable_setup: NotRequired[Never]
    is_evaluation: NotRequired[Never]
    assets: NotRequired[dict[str, SpecOptionsInputAssets]]
    """Assets that it uses, by the key that {{static:key}} stands for; where it is given, {} too, such placeholders are filled"""
    inputs: NotRequired[Never]
    outputs: NotRequired[list[SpecOptionsInputOutputs]]
    """What it leaves behind: artifacts of these ids"""
    template: NotRequired[bool]
    """True: ${…} in command and values of the environment stands for inputs, outputs and facts of the run"""
    on_finish: NotRequired[Never]
    docker: NotRequired[SpecDockerOptions]
    http: NotRequired[SpecHttpOptions]
    http_async: NotRequired[SpecHttpAsyncOptions]
    manual: NotRequired[SpecManualOptions]


class NewSessionInputFilesArtifact(TypedDict):
    """Of a finished run"""
    invocation_id: str
    artifact_id: str


class NewSessionInputFiles(TypedDict):
    path: str
    """Relative, with slashes"""
    text: NotRequired[str]
    base64: NotRequired[str]
    artifact: NotRequired[NewSessionInputFilesArtifact]
    """Of a finished run"""
    asset: NotRequired[str]
    """name, or name@version; a directory comes with all in it"""
    mode: NotRequired[str]
    """Default: 0644"""


class NewSessionInputFromGit(TypedDict):
    """A tree of a repository, with its .git"""
    url: str
    """https or http, without user, password and query"""
    ref: NotRequired[str]
    """Branch, tag or commit. Default: HEAD"""
    secret: NotRequired[str]
    """Name of a secret of the server: a token for this host"""


class NewSessionInputFrom(TypedDict):
    """What its own workspace begins with"""
    snapshot: NotRequired[str]
    """Id of a snapshot"""
    workspace: NotRequired[str]
    """Id of another workspace, as it is now"""
    invocation: NotRequired[str]
    """The directory of a run, which the server made for it"""
    git: NotRequired[NewSessionInputFromGit]
    """A tree of a repository, with its .git"""

NewSessionInput = TypedDict(
    "NewSessionInput",
    {
        # Default: one that the server makes
        "session_id": "NotRequired[str]",
        # A stored environment spec: name, or name@version
        "environment_spec": "NotRequired[str]",
        # The kind of all its runs. Needed where no environment spec says it
        "runtime_kind": "NotRequired[str]",
        # One that is there. Default: the session makes its own
        "workspace": "NotRequired[str]",
        # In its own workspace, after `from`
        "files": "NotRequired[list[NewSessionInputFiles]]",
        # What its own workspace begins with
        "from": "NotRequired[NewSessionInputFrom]",
        # true: evaluation_commands of the setup run too
        "is_evaluation": "NotRequired[bool]",
        # true: it is ready without any setup
        "disable_setup": "NotRequired[bool]",
        # Of the setup and of each of its runs
        "environment": "NotRequired[dict[str, str]]",
        "options": "NotRequired[SessionOptionsInput]",
        "metadata": "NotRequired[dict[str, str]]",
        # It is closed so long after it was made. Default: never
        "ttl_seconds": "NotRequired[float]",
        # It is closed when it was not used for so long. Default: never
        "idle_seconds": "NotRequired[float]",
        # true: its workspace stays when it is closed. Default: true where `workspace` was given
        "keep_workspace": "NotRequired[bool]",
    },
)


class SessionOptionsInputLimits(TypedDict):
    cpu_seconds: NotRequired[int]
    """CPU time of one process, whole seconds"""
    memory_bytes: NotRequired[int]
    """Address space of one process, bytes"""
    processes: NotRequired[int]
    """Processes and threads of the user"""
    open_files: NotRequired[int]
    """Open file descriptors of one process"""
    file_size_bytes: NotRequired[int]
    """Largest file a process may write, bytes"""


class SessionOptionsInputSetup(TypedDict):
    """Done before the command, where it runs"""
    commands: NotRequired[list[list[str] | str]]
    """argv, or text for sh -c; in their order, each when the one before ended with 0"""
    evaluation_commands: NotRequired[list[list[str] | str]]
    """After these, where the run is an evaluation (is_evaluation)"""
    resume_commands: NotRequired[list[list[str] | str]]
    """Last, where a session was reset"""
    timeout_seconds: NotRequired[float]
    """For all of them together. Default: 600"""
    user: NotRequired[str]
    """docker: who runs them. Default: who runs the command"""


class SessionOptionsInputAssets(TypedDict):
    asset: NotRequired[str]
    """The name of the asset. Default: the key"""
    version: NotRequired[int]
    """Default: the newest"""
    digest: NotRequired[str]
    """What it must be; the record has it in any case"""
    save_path: NotRequired[str]
    """Where it is below the place of all assets. Default: the key"""
    mode: NotRequired[Literal["mount", "copy"]]
    """mount: to be read; copy: of its own, to be changed. Default: mount"""


class SessionOptionsInput(TypedDict):
    """Of the setup and of each of its runs; what a run says itself goes before it. Refused: workspace, environment_spec, files, is_evaluation, disable_setup, session, stdin, stdin_open, terminal, on_finish, inputs, outputs"""
    stdin: NotRequired[Never]
    stdin_open: NotRequired[Never]
    terminal: NotRequired[Never]
    kill_grace_seconds: NotRequired[float]
    """Between SIGTERM and SIGKILL; 0 = SIGKILL at once"""
    idle_timeout_seconds: NotRequired[float]
    """The run ends after so long without output"""
    queue_timeout_seconds: NotRequired[float]
    """The run ends when it has waited so long to start"""
    max_output_bytes: NotRequired[int]
    """Bytes kept of each stream, and as many of each of the setup"""
    files: NotRequired[Never]
    artifacts: NotRequired[list[str]]
    """Globs under the working directory"""
    limits: NotRequired[SessionOptionsInputLimits]
    workspace: NotRequired[Never]
    environment_spec: NotRequired[Never]
    session: NotRequired[Never]
    setup: NotRequired[SessionOptionsInputSetup]
    """Done before the command, where it runs"""
    setup_command: NotRequired[list[str] | str]
    """One more command of the setup, the last"""
    disable_setup: NotRequired[Never]
    is_evaluation: NotRequired[Never]
    assets: NotRequired[dict[str, SessionOptionsInputAssets]]
    """Assets that it uses, by the key that {{static:key}} stands for; where it is given, {} too, such placeholders are filled"""
    inputs: NotRequired[Never]
    outputs: NotRequired[Never]
    template: NotRequired[bool]
    """True: ${…} in command and values of the environment stands for inputs, outputs and facts of the run"""
    on_finish: NotRequired[Never]
    docker: NotRequired[SpecDockerOptions]
    http: NotRequired[SpecHttpOptions]
    http_async: NotRequired[SpecHttpAsyncOptions]
    manual: NotRequired[SpecManualOptions]


class RuntimeInvocation(TypedDict):
    schema_version: Literal["0.1"]
    contract_kind: Literal["runtime_invocation"]
    invocation_id: str
    runtime_name: str
    runtime_kind: str
    working_directory: str
    command: list[str]
    environment: dict[str, str]
    timeout_seconds: float | None
    input_payload_path: str | None
    output_result_path: str | None
    artifact_directory: str | None
    metadata: dict[str, str]
    options: Options


class OptionsTerminal(TypedDict):
    """Standard input, output and error are one terminal of this size, fed by …/terminal or POST …/stdin; all that it shows is stdout"""
    cols: int
    rows: int


class OptionsFilesArtifact(TypedDict):
    """Of a finished run"""
    invocation_id: str
    artifact_id: str


class OptionsFiles(TypedDict):
    path: str
    """Relative, with slashes"""
    text: NotRequired[str]
    base64: NotRequired[str]
    artifact: NotRequired[OptionsFilesArtifact]
    """Of a finished run"""
    asset: NotRequired[str]
    """name, or name@version; a directory comes with all in it"""
    mode: NotRequired[str]
    """Default: 0644"""


class OptionsLimits(TypedDict):
    cpu_seconds: NotRequired[int]
    """CPU time of one process, whole seconds"""
    memory_bytes: NotRequired[int]
    """Address space of one process, bytes"""
    processes: NotRequired[int]
    """Processes and threads of the user"""
    open_files: NotRequired[int]
    """Open file descriptors of one process"""
    file_size_bytes: NotRequired[int]
    """Largest file a process may write, bytes"""


class OptionsWorkspace(TypedDict):
    id: str
    shared: NotRequired[bool]
    """It may run beside others that say so too"""
    snapshot: NotRequired[Literal["before", "after", "both"]]
    keep: NotRequired[list[str]]
    """Of these snapshots, globs: nothing else is in them"""
    ignore: NotRequired[list[str]]
    """The same: what they match is not in them, nor what is below"""


class OptionsSetup(TypedDict):
    """Done before the command, where it runs"""
    commands: NotRequired[list[list[str] | str]]
    """argv, or text for sh -c; in their order, each when the one before ended with 0"""
    evaluation_commands: NotRequired[list[list[str] | str]]
    """After these, where the run is an evaluation (is_evaluation)"""
    resume_commands: NotRequired[list[list[str] | str]]
    """Last, where a session was reset"""
    timeout_seconds: NotRequired[float]
    """For all of them together. Default: 600"""
    user: NotRequired[str]
    """docker: who runs them. Default: who runs the command"""


class OptionsAssets(TypedDict):
    asset: NotRequired[str]
    """The name of the asset. Default: the key"""
    version: NotRequired[int]
    """Default: the newest"""
    digest: NotRequired[str]
    """What it must be; the record has it in any case"""
    save_path: NotRequired[str]
    """Where it is below the place of all assets. Default: the key"""
    mode: NotRequired[Literal["mount", "copy"]]
    """mount: to be read; copy: of its own, to be changed. Default: mount"""


class OptionsInputsArtifact(TypedDict):
    """Of a finished run"""
    invocation_id: str
    artifact_id: str
    sha256: NotRequired[str]
    """What it must be; the record has it in any case"""


class OptionsInputs(TypedDict):
    id: str
    artifact: NotRequired[OptionsInputsArtifact]
    """Of a finished run"""
    asset: NotRequired[str]
    """name, or name@version"""
    file: NotRequired[str]
    """A path of the machine; relative: to the working directory"""
    text: NotRequired[str]
    base64: NotRequired[str]
    value: NotRequired[Any]
    """Any JSON: no file, its text is for templates"""
    filename: NotRequired[str]
    """Default: that of the artifact or asset, else the id"""
    extract: NotRequired[bool]
    """true: it is an archive, and becomes a directory"""


class OptionsOutputs(TypedDict):
    id: str
    path: str
    """Below the working directory; a directory becomes one tar"""
    kind: NotRequired[str]
    """Default: file, or directory"""
    description: NotRequired[str]
    required: NotRequired[bool]
    """Default: true: without it the run has failed"""


class OptionsOnFinish(TypedDict):
    url: str
    secret: NotRequired[str]


class Options(TypedDict):
    stdin: NotRequired[str]
    """Text for standard input"""
    stdin_open: NotRequired[bool]
    """Standard input is fed by POST …/stdin"""
    terminal: NotRequired[OptionsTerminal]
    """Standard input, output and error are one terminal of this size, fed by …/terminal or POST …/stdin; all that it shows is stdout"""
    kill_grace_seconds: NotRequired[float]
    """Between SIGTERM and SIGKILL; 0 = SIGKILL at once"""
    idle_timeout_seconds: NotRequired[float]
    """The run ends after so long without output"""
    queue_timeout_seconds: NotRequired[float]
    """The run ends when it has waited so long to start"""
    max_output_bytes: NotRequired[int]
    """Bytes kept of each stream, and as many of each of the setup"""
    files: NotRequired[list[OptionsFiles]]
    """Made in the working directory before the start"""
    artifacts: NotRequired[list[str]]
    """Globs under the working directory"""
    limits: NotRequired[OptionsLimits]
    workspace: NotRequired[str | OptionsWorkspace]
    """The directory that it works in, kept by the server from one run to the next"""
    environment_spec: NotRequired[str]
    """A stored environment spec: name, or name@version. What the invocation says itself goes before it"""
    session: NotRequired[str]
    """The session that it runs in"""
    setup: NotRequired[OptionsSetup]
    """Done before the command, where it runs"""
    setup_command: NotRequired[list[str] | str]
    """One more command of the setup, the last"""
    disable_setup: NotRequired[bool]
    """True: no setup at all"""
    is_evaluation: NotRequired[bool]
    """True: evaluation_commands of the setup run too"""
    assets: NotRequired[dict[str, OptionsAssets]]
    """Assets that it uses, by the key that {{static:key}} stands for; where it is given, {} too, such placeholders are filled"""
    inputs: NotRequired[list[OptionsInputs]]
    """What it is given, each under a name of its own"""
    outputs: NotRequired[list[OptionsOutputs]]
    """What it leaves behind: artifacts of these ids"""
    template: NotRequired[bool]
    """True: ${…} in command and values of the environment stands for inputs, outputs and facts of the run"""
    on_finish: NotRequired[OptionsOnFinish]
    docker: NotRequired[DockerOptions]
    http: NotRequired[HttpOptions]
    http_async: NotRequired[HttpAsyncOptions]
    manual: NotRequired[ManualOptions]


class ExactInvocation(TypedDict):
    schema_version: Literal["0.1"]
    contract_kind: Literal["runtime_invocation"]
    invocation_id: str
    runtime_name: str
    runtime_kind: Literal["subprocess", "http", "http_async", "container", "manual", "unknown"]
    working_directory: str
    command: list[str]
    environment: dict[str, str]
    timeout_seconds: int | None
    input_payload_path: str | None
    output_result_path: str | None
    artifact_directory: str | None
    metadata: dict[str, str]


class RuntimeResult(TypedDict):
    schema_version: Literal["0.1"]
    contract_kind: Literal["runtime_result"]
    invocation_id: str
    runtime_name: str
    runtime_kind: Literal["subprocess", "http", "http_async", "container", "manual", "unknown"]
    """The word of RxP; that of this server is in the record"""
    status: Literal["pending", "running", "succeeded", "failed", "timed_out", "cancelled", "rejected"]
    exit_code: int | None
    started_at: str
    finished_at: str
    stdout_path: str | None
    stderr_path: str | None
    artifacts: list[ArtifactDescriptor]
    error_summary: str | None
    metadata: dict[str, str]


class ArtifactDescriptor(TypedDict):
    schema_version: Literal["0.1"]
    contract_kind: Literal["artifact_descriptor"]
    artifact_id: str
    path: str
    kind: str
    description: str
    metadata: dict[str, str]


class RuntimeEventStatus(TypedDict):
    invocation_id: str
    seq: int
    time: str
    type: Literal["status"]
    status: Literal["pending", "running"]


class RuntimeEventStdout(TypedDict):
    invocation_id: str
    seq: int
    time: str
    type: Literal["stdout"]
    phase: Literal["setup", "command"]
    offset: int
    length: int
    text: NotRequired[str]
    base64: NotRequired[str]


class RuntimeEventStderr(TypedDict):
    invocation_id: str
    seq: int
    time: str
    type: Literal["stderr"]
    phase: Literal["setup", "command"]
    offset: int
    length: int
    text: NotRequired[str]
    base64: NotRequired[str]


class RuntimeEventProgress(TypedDict):
    invocation_id: str
    seq: int
    time: str
    type: Literal["progress"]
    message: NotRequired[str]
    data: NotRequired[Any]


class RuntimeEventArtifact(TypedDict):
    invocation_id: str
    seq: int
    time: str
    type: Literal["artifact"]
    artifact: ArtifactDescriptor


class RuntimeEventGap(TypedDict):
    invocation_id: str
    seq: int
    time: str
    type: Literal["gap"]
    stream: Literal["stdout", "stderr"]
    offset: int
    length: int
    reason: Literal["output_limit", "retention", "storage"]
    phase: NotRequired[Literal["setup"]]
    """Absent: of the command"""


class RuntimeEventFinished(TypedDict):
    invocation_id: str
    seq: int
    time: str
    type: Literal["finished"]
    result: RuntimeResult
    outcome: Outcome

RuntimeEvent: TypeAlias = "RuntimeEventStatus | RuntimeEventStdout | RuntimeEventStderr | RuntimeEventProgress | RuntimeEventArtifact | RuntimeEventGap | RuntimeEventFinished"


class RecordEnvironmentSpec(TypedDict):
    """The version of an environment spec that it was made with; absent: with none"""
    name: str
    version: int
    digest: str


class RecordWaiting(TypedDict):
    """Why it does not begin yet; absent where it does not wait"""
    reason: Literal["places", "calls", "draining", "worker", "workspace"]
    """`places`: all places of programs are taken; `calls`: all of calls; `draining`: the server stops, and the next one has it; `worker`: nobody has claimed it; `workspace`: it is the turn of others in its workspace"""
    place: int
    """1 is the next"""
    holders: list[str]
    """invocation_ids of the runs that hold the places, or the workspace, oldest first; of many the first"""


class RecordOnFinish(TypedDict):
    """How far the POST of the result has come"""
    url: str
    state: Literal["pending", "delivered", "failed"]
    attempts: int
    """Attempts that are over"""
    last_status: int | None
    """HTTP status of the last answer"""
    last_error: str | None
    """Why the last attempt failed"""
    next_attempt_at: str | None
    """Null: at once when the run ends, or never again"""


class RecordLinks(TypedDict):
    self: str
    invocation: str
    result: str
    events: str
    stdout: str
    stderr: str
    output: str
    artifacts: str
    cancel: str


class Record(TypedDict):
    invocation: RuntimeInvocation
    runtime_kind: str
    """The kind in this server's word, whatever word was sent"""
    status: Literal["pending", "running", "succeeded", "failed", "timed_out", "cancelled", "rejected"]
    created_at: str
    started_at: str | None
    finished_at: str | None
    result: RuntimeResult | None
    outcome: Outcome | None
    environment_spec: NotRequired[RecordEnvironmentSpec]
    """The version of an environment spec that it was made with; absent: with none"""
    waiting: NotRequired[RecordWaiting]
    """Why it does not begin yet; absent where it does not wait"""
    on_finish: NotRequired[RecordOnFinish]
    """How far the POST of the result has come"""
    links: RecordLinks


class OutcomeStdoutGap(TypedDict):
    offset: int
    length: int
    reason: Literal["output_limit", "retention", "storage"]


class OutcomeStdout(TypedDict):
    bytes: int
    kept: int
    sha256: str
    gap: NotRequired[OutcomeStdoutGap]


class OutcomeStderrGap(TypedDict):
    offset: int
    length: int
    reason: Literal["output_limit", "retention", "storage"]


class OutcomeStderr(TypedDict):
    bytes: int
    kept: int
    sha256: str
    gap: NotRequired[OutcomeStderrGap]


class OutcomeSetup(TypedDict):
    command: list[str]
    exit_code: int | None
    """Null: it was ended by a signal, or did not start"""
    signal: str | None
    ms: float
    error: NotRequired[str]
    """Why it could not be started"""


class OutcomeSetupStdoutGap(TypedDict):
    offset: int
    length: int
    reason: Literal["output_limit", "retention", "storage"]


class OutcomeSetupStdout(TypedDict):
    """Absent: the run had no setup"""
    bytes: int
    kept: int
    sha256: str
    gap: NotRequired[OutcomeSetupStdoutGap]


class OutcomeSetupStderrGap(TypedDict):
    offset: int
    length: int
    reason: Literal["output_limit", "retention", "storage"]


class OutcomeSetupStderr(TypedDict):
    bytes: int
    kept: int
    sha256: str
    gap: NotRequired[OutcomeSetupStderrGap]


class OutcomeTimings(TypedDict):
    queue_ms: NotRequired[float]
    spawn_ms: NotRequired[float]
    first_byte_ms: NotRequired[float]
    setup_ms: NotRequired[float]
    run_ms: NotRequired[float]
    drain_ms: NotRequired[float]
    collect_ms: NotRequired[float]


class OutcomeUsage(TypedDict):
    cpu_user_ms: float
    cpu_system_ms: float
    max_rss_bytes: int | None


class OutcomeKill(TypedDict):
    signals: list[str]
    survivors: int


class OutcomeFailure(TypedDict):
    permanent: bool
    """The same invocation would fail again: a retry is useless"""
    reason: Literal["rejected", "program_not_found", "program_not_executable", "arguments_too_long", "exit_code", "signal", "setup_failed", "timed_out", "cancelled", "status", "broken_off", "reported", "unavailable", "shortage", "output_lost", "output_missing", "lost"]


class OutcomeCancelledBy(TypedDict):
    by: Literal["client", "shutdown", "backend", "worker", "session"]


class OutcomeOmitted(TypedDict):
    path: str
    reason: str


class OutcomeWorkspaceSnapshots(TypedDict):
    before: str | None
    after: str | None


class OutcomeWorkspace(TypedDict):
    """Absent: the run had none"""
    id: str
    snapshots: OutcomeWorkspaceSnapshots
    bytes: int | None
    """Of its files after the run; null: they were not counted"""


class Outcome(TypedDict):
    ended: Literal["exited", "signaled", "timed_out", "cancelled", "rejected", "never_started", "setup_failed", "lost", "responded", "completed"]
    started: bool
    """Did the work begin"""
    retry_safe: bool
    """True only if the work provably did not begin"""
    exit_code: int | None
    signal: str | None
    timeout_reason: Literal["run", "idle", "queue", "setup"] | None
    stdout: OutcomeStdout | None
    stderr: OutcomeStderr | None
    setup: NotRequired[list[OutcomeSetup]]
    """The commands of the setup that were begun; absent: the run had none, or nothing is known of it"""
    setup_stdout: NotRequired[OutcomeSetupStdout]
    """Absent: the run had no setup"""
    setup_stderr: NotRequired[OutcomeSetupStderr]
    last_seq: int
    timings: OutcomeTimings
    usage: OutcomeUsage | None
    kill: OutcomeKill | None
    failure: NotRequired[OutcomeFailure | None]
    """Null: it succeeded. Absent in records of 0.1.0"""
    cancelled_by: NotRequired[OutcomeCancelledBy | None]
    """Null: it was not cancelled, or an earlier release did not note by whom"""
    omitted: list[OutcomeOmitted]
    workspace: NotRequired[OutcomeWorkspace]
    """Absent: the run had none"""


class ProblemErrors(TypedDict):
    path: str
    message: str


class Problem(TypedDict):
    type: str
    """urn:runwire:problem:<code>"""
    title: str
    status: int
    detail: str
    instance: str
    """The path that was asked for"""
    code: Literal["malformed_json", "bad_request", "unauthorized", "forbidden_origin", "forbidden_host", "bad_signature", "address_expired", "not_found", "invocation_not_found", "artifact_not_found", "file_not_found", "workspace_not_found", "snapshot_not_found", "spec_not_found", "asset_not_found", "session_not_found", "runtime_not_found", "method_not_allowed", "not_acceptable", "request_timeout", "invocation_conflict", "workspace_conflict", "snapshot_conflict", "snapshot_busy", "workspace_busy", "file_conflict", "workspace_failed", "session_conflict", "session_busy", "session_failed", "asset_in_use", "not_finished", "not_running", "claim_lost", "completion_conflict", "no_terminal", "stdin_closed", "not_supported", "invocation_removed", "workspace_removed", "snapshot_removed", "session_closed", "gone", "precondition_failed", "body_too_large", "target_too_long", "unsupported_media_type", "range_not_satisfiable", "invalid_invocation", "invalid_field", "idempotency_key_conflict", "upgrade_required", "queue_full", "header_too_large", "internal_error", "not_implemented", "overloaded", "draining", "version_not_supported", "workspace_full", "specs_full", "assets_full", "insufficient_storage"]
    errors: NotRequired[list[ProblemErrors]]


class ClaimedClaimUrls(TypedDict):
    events: str
    artifacts: str
    """PUT to this, a slash and the artifact_id"""
    heartbeat: str
    completion: str
    files: str | None
    """GET lists the files of the run; with a slash and a path GET, PUT and DELETE one. null: its directory is not the server’s"""


class ClaimedClaim(TypedDict):
    token: str
    """Authorization: Bearer <token>"""
    attempt: int
    lease_expires_at: str
    urls: ClaimedClaimUrls


class Claimed(TypedDict):
    invocation: RuntimeInvocation
    claim: ClaimedClaim


class ClaimState(TypedDict):
    lease_expires_at: str
    cancel_requested: bool
    """Stop the work and complete: after the grace the run ends without"""


class StoredEnvironmentSpecSetup(TypedDict):
    """The same as options.setup: one of the two"""
    commands: NotRequired[list[list[str] | str]]
    """argv, or text for sh -c; in their order, each when the one before ended with 0"""
    evaluation_commands: NotRequired[list[list[str] | str]]
    """After these, where the run is an evaluation (is_evaluation)"""
    resume_commands: NotRequired[list[list[str] | str]]
    """Last, where a session was reset"""
    timeout_seconds: NotRequired[float]
    """For all of them together. Default: 600"""
    user: NotRequired[str]
    """docker: who runs them. Default: who runs the command"""


class StoredEnvironmentSpecAssets(TypedDict):
    asset: NotRequired[str]
    """The name of the asset. Default: the key"""
    version: NotRequired[int]
    """Default: the newest"""
    digest: NotRequired[str]
    """What it must be; the record has it in any case"""
    save_path: NotRequired[str]
    """Where it is below the place of all assets. Default: the key"""
    mode: NotRequired[Literal["mount", "copy"]]
    """mount: to be read; copy: of its own, to be changed. Default: mount"""


class StoredEnvironmentSpecSnapshot(TypedDict):
    """What is in snapshots that runs take (options.workspace.snapshot)"""
    keep: NotRequired[list[str]]
    """Globs: nothing else is in it"""
    ignore: NotRequired[list[str]]
    """Globs: what they match is not in it, nor what is below"""


class StoredEnvironmentSpecEntry(TypedDict):
    """The command of invocations that have none"""
    command: list[str]
    """argv; no shell"""
    agent_command: NotRequired[list[str]]
    """Instead of it, where the run is no evaluation"""
    file: NotRequired[str]
    """One more argument of both, the last"""


class StoredEnvironmentSpecLinks(TypedDict):
    self: str
    versions: str


class StoredEnvironmentSpec(TypedDict):
    description: NotRequired[str]
    runtime_kind: str
    """One of subprocess, docker, http, http_async, manual, or an alias of one: container, async_http, async-http"""
    environment: NotRequired[dict[str, str]]
    options: NotRequired[SpecOptions]
    setup: NotRequired[StoredEnvironmentSpecSetup]
    """The same as options.setup: one of the two"""
    assets: NotRequired[dict[str, StoredEnvironmentSpecAssets]]
    """The same as options.assets: one of the two"""
    snapshot: NotRequired[StoredEnvironmentSpecSnapshot]
    """What is in snapshots that runs take (options.workspace.snapshot)"""
    entry: NotRequired[StoredEnvironmentSpecEntry]
    """The command of invocations that have none"""
    name: str
    version: int
    """1, 2, 3 …, also over deletion: name@3 never means two things"""
    digest: str
    """SHA-256 (hex) of what it says: the same document has the same"""
    created_at: str
    links: StoredEnvironmentSpecLinks


class SpecOptionsLimits(TypedDict):
    cpu_seconds: NotRequired[int]
    """CPU time of one process, whole seconds"""
    memory_bytes: NotRequired[int]
    """Address space of one process, bytes"""
    processes: NotRequired[int]
    """Processes and threads of the user"""
    open_files: NotRequired[int]
    """Open file descriptors of one process"""
    file_size_bytes: NotRequired[int]
    """Largest file a process may write, bytes"""


class SpecOptionsSetup(TypedDict):
    """Done before the command, where it runs"""
    commands: NotRequired[list[list[str] | str]]
    """argv, or text for sh -c; in their order, each when the one before ended with 0"""
    evaluation_commands: NotRequired[list[list[str] | str]]
    """After these, where the run is an evaluation (is_evaluation)"""
    resume_commands: NotRequired[list[list[str] | str]]
    """Last, where a session was reset"""
    timeout_seconds: NotRequired[float]
    """For all of them together. Default: 600"""
    user: NotRequired[str]
    """docker: who runs them. Default: who runs the command"""


class SpecOptionsAssets(TypedDict):
    asset: NotRequired[str]
    """The name of the asset. Default: the key"""
    version: NotRequired[int]
    """Default: the newest"""
    digest: NotRequired[str]
    """What it must be; the record has it in any case"""
    save_path: NotRequired[str]
    """Where it is below the place of all assets. Default: the key"""
    mode: NotRequired[Literal["mount", "copy"]]
    """mount: to be read; copy: of its own, to be changed. Default: mount"""


class SpecOptionsOutputs(TypedDict):
    id: str
    path: str
    """Below the working directory; a directory becomes one tar"""
    kind: NotRequired[str]
    """Default: file, or directory"""
    description: NotRequired[str]
    required: NotRequired[bool]
    """Default: true: without it the run has failed"""


class SpecOptions(TypedDict):
    """As of an invocation, which completes them; what is of one run is refused: stdin, stdin_open, terminal, files, inputs, workspace, session, environment_spec, setup_command, disable_setup, is_evaluation, on_finish"""
    stdin: NotRequired[Never]
    stdin_open: NotRequired[Never]
    terminal: NotRequired[Never]
    kill_grace_seconds: NotRequired[float]
    """Between SIGTERM and SIGKILL; 0 = SIGKILL at once"""
    idle_timeout_seconds: NotRequired[float]
    """The run ends after so long without output"""
    queue_timeout_seconds: NotRequired[float]
    """The run ends when it has waited so long to start"""
    max_output_bytes: NotRequired[int]
    """Bytes kept of each stream, and as many of each of the setup"""
    files: NotRequired[Never]
    artifacts: NotRequired[list[str]]
    """Globs under the working directory"""
    limits: NotRequired[SpecOptionsLimits]
    workspace: NotRequired[Never]
    environment_spec: NotRequired[Never]
    session: NotRequired[Never]
    setup: NotRequired[SpecOptionsSetup]
    """Done before the command, where it runs"""
    setup_command: NotRequired[Never]
    disable_setup: NotRequired[Never]
    is_evaluation: NotRequired[Never]
    assets: NotRequired[dict[str, SpecOptionsAssets]]
    """Assets that it uses, by the key that {{static:key}} stands for; where it is given, {} too, such placeholders are filled"""
    inputs: NotRequired[Never]
    outputs: NotRequired[list[SpecOptionsOutputs]]
    """What it leaves behind: artifacts of these ids"""
    template: NotRequired[bool]
    """True: ${…} in command and values of the environment stands for inputs, outputs and facts of the run"""
    on_finish: NotRequired[Never]
    docker: NotRequired[SpecDockerOptions]
    http: NotRequired[SpecHttpOptions]
    http_async: NotRequired[SpecHttpAsyncOptions]
    manual: NotRequired[SpecManualOptions]


class WorkspaceRuns(TypedDict):
    running: int
    queued: int


class WorkspaceLinks(TypedDict):
    self: str
    files: str
    archive: str
    snapshots: str


class Workspace(TypedDict):
    workspace_id: str
    state: Literal["filling", "ready", "restoring", "failed"]
    reason: str | None
    """Why it could not be filled"""
    base_snapshot: str | None
    """What reset goes back to; null: it began empty, and reset empties it"""
    bytes: int
    """Of its files, when they were last counted"""
    files: int
    max_bytes: int | None
    metadata: dict[str, str]
    created_at: str
    last_used_at: str
    expires_at: str | None
    """When it goes, if nobody uses it before; null: never"""
    runs: WorkspaceRuns
    links: WorkspaceLinks


class SnapshotOmitted(TypedDict):
    path: str
    reason: str


class Snapshot(TypedDict):
    snapshot_id: str
    workspace_id: str
    """The workspace that it was taken of"""
    digest: str
    """SHA-256 (hex) of the list of all that is in it: the same content has the same"""
    files: int
    """Regular files in it"""
    bytes: int
    """Sum of their sizes"""
    omitted: list[SnapshotOmitted]
    """What was there and is not in it, and why; of many the first"""
    metadata: dict[str, str]
    created_at: str


class DiffStats(TypedDict):
    created: int
    deleted: int
    modified: int
    mode_changed: int
    lines_added: int
    lines_removed: int
    uncounted: int
    """Of so many the lines were not counted: over 1 MiB, or behind the first 64 MiB of contents"""


class DiffFilesOld(TypedDict):
    size_bytes: int
    """Of a link: of its text; of a directory: 0"""
    sha256: str | None
    """Of a link: of its text; of a directory: null"""
    mode: str


class DiffFilesNew(TypedDict):
    size_bytes: int
    """Of a link: of its text; of a directory: 0"""
    sha256: str | None
    """Of a link: of its text; of a directory: null"""
    mode: str


class DiffFiles(TypedDict):
    path: str
    change: Literal["created", "deleted", "modified", "mode_changed"]
    """`modified`: content, text of the link, or type; `mode_changed`: the content is the same"""
    type: Literal["file", "directory", "link"]
    """On the newer side, or the only one"""
    old: DiffFilesOld | None
    new: DiffFilesNew | None
    binary: bool
    """A NUL or no UTF-8 in it; of what is over 1 MiB only the first 8 KiB are looked at"""
    lines_added: int | None
    """Null: not counted, see `stats.uncounted`, or it is binary"""
    lines_removed: int | None
    patch: NotRequired[str]
    """As `git diff` writes it"""
    patch_omitted: NotRequired[str]
    """Why there is none"""

Diff = TypedDict(
    "Diff",
    {
        # Digest of the older side
        "from": "str",
        "to": "str",
        "stats": "DiffStats",
        "files": "list[DiffFiles]",
        # Path of the last one here; null: there are no more
        "next_cursor": "str | None",
    },
)


class SessionEnvironmentSpec(TypedDict):
    name: str
    version: int
    digest: str


class SessionRuns(TypedDict):
    running: int
    queued: int


class SessionLinks(TypedDict):
    self: str
    setup: str
    workspace: str
    checkpoint: str
    reset: str


class Session(TypedDict):
    session_id: str
    state: Literal["preparing", "ready", "failed", "closed"]
    reason: str | None
    """Why it failed; of a closed one: deleted, expired (ttl_seconds) or idle (idle_seconds)"""
    trouble: str | None
    """Why what it held beside its workspace could not be ended yet: that is tried again"""
    generation: int
    """1, and one more at each reset"""
    restarted_at: str | None
    """When its container was last started again, which had stopped: what ran in it until then is gone, its files are not. Null: never in this generation"""
    runtime_kind: str
    environment_spec: SessionEnvironmentSpec | None
    is_evaluation: bool
    workspace_id: str
    keep_workspace: bool
    setup_invocation_id: str
    """The run that set it up, of this generation"""
    ready_snapshot: str | None
    """What was in its workspace when it got ready"""
    last_checkpoint: str | None
    """Id of the snapshot"""
    metadata: dict[str, str]
    created_at: str
    last_used_at: str
    expires_at: str | None
    """When it is closed, if nobody uses it before; null: never"""
    ttl_seconds: float | None
    idle_seconds: float | None
    runs: SessionRuns
    links: SessionLinks


class CheckpointLinks(TypedDict):
    snapshot: str
    diff: str


class Checkpoint(TypedDict):
    snapshot: Snapshot
    since: str
    """Id of the snapshot that it is compared with"""
    diff: Diff
    """The first page; for more, patches, and text/x-diff: links.diff"""
    links: CheckpointLinks


class AssetLinks(TypedDict):
    self: str
    content: str
    versions: str


class Asset(TypedDict):
    name: str
    version: int
    """1, 2, 3 …, also over deletion: name@3 never means two things"""
    type: Literal["file", "directory"]
    digest: str
    """SHA-256 (hex) of the bytes; of a directory: as the digest of a snapshot with the same in it"""
    bytes: int
    """Of all files in it"""
    files: int
    media_type: str
    created_at: str
    links: AssetLinks


class DockerOptionsMounts(TypedDict):
    source: str
    target: str
    read_only: NotRequired[bool]


class DockerOptionsTmpfs(TypedDict):
    target: str
    size_bytes: NotRequired[int]
    exec: NotRequired[bool]
    """May programs be executed from it"""


class DockerOptions(TypedDict):
    image: str
    pull: NotRequired[Literal["missing", "always", "never"]]
    registry_secret: NotRequired[str]
    """Name of a secret that the server holds"""
    entrypoint: NotRequired[list[str]]
    """Instead of the image's; [] = none"""
    user: NotRequired[str]
    """user, uid, or either with :group; default: not root"""
    workdir: NotRequired[str]
    mount_workspace: NotRequired[bool]
    """The run's working directory at workdir, rw; default: yes, but for a run in a workspace with an engine that is not at a socket of this machine"""
    mounts: NotRequired[list[DockerOptionsMounts]]
    tmpfs: NotRequired[list[DockerOptionsTmpfs]]
    ports: NotRequired[dict[str, int | str]]
    network: NotRequired[str]
    """none, bridge, host or a name; default: none, or bridge when ports are given"""
    cpus: NotRequired[float]
    memory_bytes: NotRequired[int]
    """Without swap; more than this ends the run"""
    pids: NotRequired[int]
    shm_bytes: NotRequired[int]
    gpus: NotRequired[Literal["all"] | int | list[str]]
    read_only: NotRequired[bool]
    """Root file system"""
    cap_add: NotRequired[list[str]]
    security_options: NotRequired[list[str]]
    platform: NotRequired[str]
    extra_hosts: NotRequired[dict[str, str]]
    """Name to address"""
    labels: NotRequired[dict[str, str]]
    init: NotRequired[bool]
    """A first process that reaps and passes signals on"""


class SpecDockerOptionsMounts(TypedDict):
    source: str
    target: str
    read_only: NotRequired[bool]


class SpecDockerOptionsTmpfs(TypedDict):
    target: str
    size_bytes: NotRequired[int]
    exec: NotRequired[bool]
    """May programs be executed from it"""


class SpecDockerOptions(TypedDict):
    image: NotRequired[str]
    pull: NotRequired[Literal["missing", "always", "never"]]
    registry_secret: NotRequired[str]
    """Name of a secret that the server holds"""
    entrypoint: NotRequired[list[str]]
    """Instead of the image's; [] = none"""
    user: NotRequired[str]
    """user, uid, or either with :group; default: not root"""
    workdir: NotRequired[str]
    mount_workspace: NotRequired[bool]
    """The run's working directory at workdir, rw; default: yes, but for a run in a workspace with an engine that is not at a socket of this machine"""
    mounts: NotRequired[list[SpecDockerOptionsMounts]]
    tmpfs: NotRequired[list[SpecDockerOptionsTmpfs]]
    ports: NotRequired[dict[str, int | str]]
    network: NotRequired[str]
    """none, bridge, host or a name; default: none, or bridge when ports are given"""
    cpus: NotRequired[float]
    memory_bytes: NotRequired[int]
    """Without swap; more than this ends the run"""
    pids: NotRequired[int]
    shm_bytes: NotRequired[int]
    gpus: NotRequired[Literal["all"] | int | list[str]]
    read_only: NotRequired[bool]
    """Root file system"""
    cap_add: NotRequired[list[str]]
    security_options: NotRequired[list[str]]
    platform: NotRequired[str]
    extra_hosts: NotRequired[dict[str, str]]
    """Name to address"""
    labels: NotRequired[dict[str, str]]
    init: NotRequired[bool]
    """A first process that reaps and passes signals on"""


class HttpOptionsTls(TypedDict):
    ca: NotRequired[str]
    """PEM of the authorities to trust instead of the usual ones"""
    verify: NotRequired[bool]
    """Default: true"""


class HttpOptionsAuth(TypedDict):
    """Credentials of the call; shown nowhere"""
    secret: str
    """Name of a secret that the server holds"""
    scheme: NotRequired[Literal["bearer", "basic", "raw"]]
    """bearer (default); basic: the secret is user:password; raw: the secret is the header’s value"""
    header: NotRequired[str]
    """Default: Authorization"""


class HttpOptionsRetry(TypedDict):
    """Off by default"""
    attempts: int
    """In all, the first included"""
    on: NotRequired[list[Literal["429", "connect", "5xx"]]]
    """Default: all of them"""
    backoff_seconds: NotRequired[float]
    """Before the second; doubles. Default 0.5"""


class HttpOptions(TypedDict):
    url: NotRequired[str]
    """http or https"""
    method: NotRequired[str]
    """Default: POST"""
    headers: NotRequired[dict[str, str]]
    query: NotRequired[dict[str, str | float | bool | list[str | float | bool]]]
    """Added to the query of the URL"""
    body: NotRequired[Any]
    """Default: the file of input_payload_path, else none"""
    body_format: NotRequired[Literal["json", "form", "raw"]]
    """Default: json"""
    follow_redirects: NotRequired[int]
    """At most; default 10, 0: none"""
    tls: NotRequired[HttpOptionsTls]
    auth: NotRequired[HttpOptionsAuth]
    """Credentials of the call; shown nowhere"""
    body_file: NotRequired[str]
    """A file in the working directory that is the body"""
    save_as: NotRequired[str]
    """Where in the working directory the body of an answer that is a success is written to as well"""
    expect: NotRequired[list[int | str]]
    """Statuses that are a success; default 2xx"""
    retry: NotRequired[HttpOptionsRetry]
    """Off by default"""


class SpecHttpOptionsTls(TypedDict):
    ca: NotRequired[str]
    """PEM of the authorities to trust instead of the usual ones"""
    verify: NotRequired[bool]
    """Default: true"""


class SpecHttpOptionsAuth(TypedDict):
    """Credentials of the call; shown nowhere"""
    secret: str
    """Name of a secret that the server holds"""
    scheme: NotRequired[Literal["bearer", "basic", "raw"]]
    """bearer (default); basic: the secret is user:password; raw: the secret is the header’s value"""
    header: NotRequired[str]
    """Default: Authorization"""


class SpecHttpOptionsRetry(TypedDict):
    """Off by default"""
    attempts: int
    """In all, the first included"""
    on: NotRequired[list[Literal["429", "connect", "5xx"]]]
    """Default: all of them"""
    backoff_seconds: NotRequired[float]
    """Before the second; doubles. Default 0.5"""


class SpecHttpOptions(TypedDict):
    url: NotRequired[str]
    """http or https"""
    method: NotRequired[str]
    """Default: POST"""
    headers: NotRequired[dict[str, str]]
    query: NotRequired[dict[str, str | float | bool | list[str | float | bool]]]
    """Added to the query of the URL"""
    body: NotRequired[Any]
    """Default: the file of input_payload_path, else none"""
    body_format: NotRequired[Literal["json", "form", "raw"]]
    """Default: json"""
    follow_redirects: NotRequired[int]
    """At most; default 10, 0: none"""
    tls: NotRequired[SpecHttpOptionsTls]
    auth: NotRequired[SpecHttpOptionsAuth]
    """Credentials of the call; shown nowhere"""
    body_file: NotRequired[str]
    """A file in the working directory that is the body"""
    save_as: NotRequired[str]
    """Where in the working directory the body of an answer that is a success is written to as well"""
    expect: NotRequired[list[int | str]]
    """Statuses that are a success; default 2xx"""
    retry: NotRequired[SpecHttpOptionsRetry]
    """Off by default"""


class HttpAsyncOptionsTls(TypedDict):
    ca: NotRequired[str]
    """PEM of the authorities to trust instead of the usual ones"""
    verify: NotRequired[bool]
    """Default: true"""


class HttpAsyncOptionsAuth(TypedDict):
    """Credentials of the call; shown nowhere"""
    secret: str
    """Name of a secret that the server holds"""
    scheme: NotRequired[Literal["bearer", "basic", "raw"]]
    """bearer (default); basic: the secret is user:password; raw: the secret is the header’s value"""
    header: NotRequired[str]
    """Default: Authorization"""


class HttpAsyncOptionsPollBackoff(TypedDict):
    initial_seconds: NotRequired[float]
    """Default: poll_interval_seconds"""
    factor: NotRequired[float]
    """Default 1"""
    max_seconds: NotRequired[float]
    """Default 60, or the first wait where that is longer"""
    jitter: NotRequired[float]
    """Waits grow by up to this part; default 0.1"""


class HttpAsyncOptionsCancel(TypedDict):
    """Called on cancel and on timeout"""
    url_template: str
    """URL, or path on the host of url; {run_id} is replaced"""
    method: NotRequired[str]
    """Default POST"""


class HttpAsyncOptionsCallback(TypedDict):
    header: NotRequired[str]
    """Kickoff header that gets the completion URL"""
    body_field: NotRequired[str]
    """Field of the JSON body that gets it; dotted"""


class HttpAsyncOptions(TypedDict):
    url: NotRequired[str]
    """http or https"""
    method: NotRequired[str]
    """Default: POST"""
    headers: NotRequired[dict[str, str]]
    query: NotRequired[dict[str, str | float | bool | list[str | float | bool]]]
    """Added to the query of the URL"""
    body: NotRequired[Any]
    """Default: the file of input_payload_path, else none"""
    body_format: NotRequired[Literal["json", "form", "raw"]]
    """Default: json"""
    follow_redirects: NotRequired[int]
    """At most; default 10, 0: none"""
    tls: NotRequired[HttpAsyncOptionsTls]
    auth: NotRequired[HttpAsyncOptionsAuth]
    """Credentials of the call; shown nowhere"""
    poll_url_template: NotRequired[str]
    """URL, or path on the host of url; {run_id} is replaced. Absent: Location of the kickoff"""
    poll_run_id_path: NotRequired[str]
    """Where the kickoff’s answer has the run id: data.runs.0.id"""
    poll_status_path: NotRequired[str]
    """Where answers have the state"""
    poll_terminal_states: NotRequired[list[str]]
    poll_success_states: NotRequired[list[str]]
    """Default: completed"""
    poll_interval_seconds: NotRequired[float]
    """Default 2.0; the first poll is made at once"""
    poll_timeout_seconds: NotRequired[float]
    """For one poll; default 60. A late one is a transient error"""
    poll_pending_codes: NotRequired[list[int]]
    """Poll again: 404"""
    poll_backoff: NotRequired[HttpAsyncOptionsPollBackoff]
    poll_transient_limit: NotRequired[int]
    """Answers in a row that say nothing of the job, and are borne: no connection, 408, 425, 429, 5xx, no JSON with a state; default 10"""
    cancel: NotRequired[HttpAsyncOptionsCancel]
    """Called on cancel and on timeout"""
    stream_url_template: NotRequired[str]
    """Server-sent events, followed beside polling or in its place"""
    stream_url_path: NotRequired[str]
    """Where the kickoff’s answer may have the URL of the stream"""
    stream_output_events: NotRequired[list[str]]
    """Events whose data is output; default message, output"""
    stream_done_events: NotRequired[list[str]]
    """Events that end the stream; default done"""
    callback: NotRequired[HttpAsyncOptionsCallback]
    idempotency_header: NotRequired[str]
    """Kickoff header that gets the invocation id, by which the backend knows a repeat: after a crash it may be sent again"""
    output_path: NotRequired[str]
    """Where the final payload has what becomes stdout; default: all of it"""
    log_path: NotRequired[str]
    """Where answers have a growing log, which becomes stderr"""
    error_path: NotRequired[str]
    """Where the final payload says what went wrong"""
    preset: NotRequired[str]
    """Names of presets: docs/presets.md"""


class SpecHttpAsyncOptionsTls(TypedDict):
    ca: NotRequired[str]
    """PEM of the authorities to trust instead of the usual ones"""
    verify: NotRequired[bool]
    """Default: true"""


class SpecHttpAsyncOptionsAuth(TypedDict):
    """Credentials of the call; shown nowhere"""
    secret: str
    """Name of a secret that the server holds"""
    scheme: NotRequired[Literal["bearer", "basic", "raw"]]
    """bearer (default); basic: the secret is user:password; raw: the secret is the header’s value"""
    header: NotRequired[str]
    """Default: Authorization"""


class SpecHttpAsyncOptionsPollBackoff(TypedDict):
    initial_seconds: NotRequired[float]
    """Default: poll_interval_seconds"""
    factor: NotRequired[float]
    """Default 1"""
    max_seconds: NotRequired[float]
    """Default 60, or the first wait where that is longer"""
    jitter: NotRequired[float]
    """Waits grow by up to this part; default 0.1"""


class SpecHttpAsyncOptionsCancel(TypedDict):
    """Called on cancel and on timeout"""
    url_template: str
    """URL, or path on the host of url; {run_id} is replaced"""
    method: NotRequired[str]
    """Default POST"""


class SpecHttpAsyncOptionsCallback(TypedDict):
    header: NotRequired[str]
    """Kickoff header that gets the completion URL"""
    body_field: NotRequired[str]
    """Field of the JSON body that gets it; dotted"""


class SpecHttpAsyncOptions(TypedDict):
    url: NotRequired[str]
    """http or https"""
    method: NotRequired[str]
    """Default: POST"""
    headers: NotRequired[dict[str, str]]
    query: NotRequired[dict[str, str | float | bool | list[str | float | bool]]]
    """Added to the query of the URL"""
    body: NotRequired[Any]
    """Default: the file of input_payload_path, else none"""
    body_format: NotRequired[Literal["json", "form", "raw"]]
    """Default: json"""
    follow_redirects: NotRequired[int]
    """At most; default 10, 0: none"""
    tls: NotRequired[SpecHttpAsyncOptionsTls]
    auth: NotRequired[SpecHttpAsyncOptionsAuth]
    """Credentials of the call; shown nowhere"""
    poll_url_template: NotRequired[str]
    """URL, or path on the host of url; {run_id} is replaced. Absent: Location of the kickoff"""
    poll_run_id_path: NotRequired[str]
    """Where the kickoff’s answer has the run id: data.runs.0.id"""
    poll_status_path: NotRequired[str]
    """Where answers have the state"""
    poll_terminal_states: NotRequired[list[str]]
    poll_success_states: NotRequired[list[str]]
    """Default: completed"""
    poll_interval_seconds: NotRequired[float]
    """Default 2.0; the first poll is made at once"""
    poll_timeout_seconds: NotRequired[float]
    """For one poll; default 60. A late one is a transient error"""
    poll_pending_codes: NotRequired[list[int]]
    """Poll again: 404"""
    poll_backoff: NotRequired[SpecHttpAsyncOptionsPollBackoff]
    poll_transient_limit: NotRequired[int]
    """Answers in a row that say nothing of the job, and are borne: no connection, 408, 425, 429, 5xx, no JSON with a state; default 10"""
    cancel: NotRequired[SpecHttpAsyncOptionsCancel]
    """Called on cancel and on timeout"""
    stream_url_template: NotRequired[str]
    """Server-sent events, followed beside polling or in its place"""
    stream_url_path: NotRequired[str]
    """Where the kickoff’s answer may have the URL of the stream"""
    stream_output_events: NotRequired[list[str]]
    """Events whose data is output; default message, output"""
    stream_done_events: NotRequired[list[str]]
    """Events that end the stream; default done"""
    callback: NotRequired[SpecHttpAsyncOptionsCallback]
    idempotency_header: NotRequired[str]
    """Kickoff header that gets the invocation id, by which the backend knows a repeat: after a crash it may be sent again"""
    output_path: NotRequired[str]
    """Where the final payload has what becomes stdout; default: all of it"""
    log_path: NotRequired[str]
    """Where answers have a growing log, which becomes stderr"""
    error_path: NotRequired[str]
    """Where the final payload says what went wrong"""
    preset: NotRequired[str]
    """Names of presets: docs/presets.md"""


class ManualOptions(TypedDict):
    lease_seconds: NotRequired[float]
    """Lease of a worker that asks for none, seconds"""
    max_attempts: NotRequired[int]
    """The run fails when so many claims were lost"""
    dispatch_url: NotRequired[str]
    """The run is not claimed but POSTed here, with its claim"""
    dispatch_secret: NotRequired[str]
    """Name of a secret of the server: the POST is signed with it, as Standard Webhooks say"""
    dispatcher: NotRequired[str]
    """Name of a function of the program that embeds Runwire"""


class SpecManualOptions(TypedDict):
    lease_seconds: NotRequired[float]
    """Lease of a worker that asks for none, seconds"""
    max_attempts: NotRequired[int]
    """The run fails when so many claims were lost"""
    dispatch_url: NotRequired[str]
    """The run is not claimed but POSTed here, with its claim"""
    dispatch_secret: NotRequired[str]
    """Name of a secret of the server: the POST is signed with it, as Standard Webhooks say"""
    dispatcher: NotRequired[str]
    """Name of a function of the program that embeds Runwire"""


class FinishedRecordEnvironmentSpec(TypedDict):
    """The version of an environment spec that it was made with; absent: with none"""
    name: str
    version: int
    digest: str


class FinishedRecordWaiting(TypedDict):
    """Why it does not begin yet; absent where it does not wait"""
    reason: Literal["places", "calls", "draining", "worker", "workspace"]
    """`places`: all places of programs are taken; `calls`: all of calls; `draining`: the server stops, and the next one has it; `worker`: nobody has claimed it; `workspace`: it is the turn of others in its workspace"""
    place: int
    """1 is the next"""
    holders: list[str]
    """invocation_ids of the runs that hold the places, or the workspace, oldest first; of many the first"""


class FinishedRecordOnFinish(TypedDict):
    """How far the POST of the result has come"""
    url: str
    state: Literal["pending", "delivered", "failed"]
    attempts: int
    """Attempts that are over"""
    last_status: int | None
    """HTTP status of the last answer"""
    last_error: str | None
    """Why the last attempt failed"""
    next_attempt_at: str | None
    """Null: at once when the run ends, or never again"""


class FinishedRecordLinks(TypedDict):
    self: str
    invocation: str
    result: str
    events: str
    stdout: str
    stderr: str
    output: str
    artifacts: str
    cancel: str


class FinishedRecord(TypedDict):
    """The record of a run that has finished"""
    invocation: RuntimeInvocation
    runtime_kind: str
    """The kind in this server's word, whatever word was sent"""
    status: Literal["pending", "running", "succeeded", "failed", "timed_out", "cancelled", "rejected"]
    created_at: str
    started_at: str | None
    finished_at: str | None
    result: RuntimeResult
    outcome: Outcome
    environment_spec: NotRequired[FinishedRecordEnvironmentSpec]
    """The version of an environment spec that it was made with; absent: with none"""
    waiting: NotRequired[FinishedRecordWaiting]
    """Why it does not begin yet; absent where it does not wait"""
    on_finish: NotRequired[FinishedRecordOnFinish]
    """How far the POST of the result has come"""
    links: FinishedRecordLinks


class ListInvocationsQuery(TypedDict):
    status: NotRequired[Literal["pending", "running", "succeeded", "failed", "timed_out", "cancelled", "rejected"]]
    runtime_kind: NotRequired[str]
    runtime_name: NotRequired[str]
    limit: NotRequired[int]
    cursor: NotRequired[str]
    """next_cursor of the page before"""


class SubmitInvocationQuery(TypedDict):
    wait: NotRequired[float]
    """Wait up to so many seconds (at most 3600) for the run to finish"""


class GetInvocationQuery(TypedDict):
    wait: NotRequired[float]
    """Wait up to so many seconds (at most 3600) for the run to finish"""


class GetEventsQuery(TypedDict):
    after: NotRequired[int]
    """seq after which to begin; ahead of the newest event it is 400"""
    follow: NotRequired[Literal["true", "false"]]
    """false: what is there now; default true: until the run has finished"""


class Get_stdoutQuery(TypedDict):
    follow: NotRequired[Literal["true", "false"]]
    """true: as it comes, until the run has finished"""
    phase: NotRequired[Literal["setup", "command"]]
    """setup: what the setup wrote, and nothing where the run has none"""
    offset: NotRequired[int]
    """byte at which to begin, also of what is still to come; more than there are now is 400"""


class Get_stderrQuery(TypedDict):
    follow: NotRequired[Literal["true", "false"]]
    """true: as it comes, until the run has finished"""
    phase: NotRequired[Literal["setup", "command"]]
    """setup: what the setup wrote, and nothing where the run has none"""
    offset: NotRequired[int]
    """byte at which to begin, also of what is still to come; more than there are now is 400"""


class Get_outputQuery(TypedDict):
    follow: NotRequired[Literal["true", "false"]]
    """true: as it comes, until the run has finished"""
    phase: NotRequired[Literal["setup", "command"]]
    """setup: what the setup wrote, and nothing where the run has none"""
    offset: NotRequired[int]
    """byte at which to begin, also of what is still to come; more than there are now is 400"""


class OpenTerminalQuery(TypedDict):
    offset: NotRequired[int]
    """byte at which to begin, also of what is still to come; more than there are now is 400"""


class ListFilesQuery(TypedDict):
    glob: NotRequired[str]
    """Which: `src/**/*.ts`"""
    hash: NotRequired[Literal["true", "false"]]
    """true: with the sha256 of each file"""
    limit: NotRequired[int]
    cursor: NotRequired[str]
    """next_cursor of the page before"""


class DeleteClaimedFileQuery(TypedDict):
    recursive: NotRequired[Literal["true", "false"]]
    """true: a directory goes with all that is in it"""


class PutClaimedFileQuery(TypedDict):
    mode: NotRequired[str]
    """Default: that of the file which it replaces, else 0644"""


class GetArchiveQuery(TypedDict):
    glob: NotRequired[str]
    """Which: `src/**/*.ts`"""
    format: NotRequired[Literal["tar", "tar.gz", "zip"]]
    """Default: by Accept, else tar"""


class ListWorkspacesQuery(TypedDict):
    limit: NotRequired[int]
    cursor: NotRequired[str]
    """next_cursor of the page before"""


class CreateWorkspaceQuery(TypedDict):
    wait: NotRequired[float]
    """Wait up to so many seconds (at most 3600) for it to be filled; POST: 30"""


class GetWorkspaceQuery(TypedDict):
    wait: NotRequired[float]
    """Wait up to so many seconds (at most 3600) for it to be filled; POST: 30"""


class DeleteWorkspaceQuery(TypedDict):
    cancel: NotRequired[Literal["true", "false"]]
    """true: its unfinished runs are cancelled first, and waited for"""


class ListWorkspaceFilesQuery(TypedDict):
    glob: NotRequired[str]
    """Which: `src/**/*.ts`"""
    hash: NotRequired[Literal["true", "false"]]
    """true: with the sha256 of each file"""
    limit: NotRequired[int]
    cursor: NotRequired[str]
    """next_cursor of the page before"""


class UnpackIntoWorkspaceQuery(TypedDict):
    path: NotRequired[str]
    """Directory to unpack below, which is made. Default: the workspace"""


class DeleteWorkspaceFileQuery(TypedDict):
    recursive: NotRequired[Literal["true", "false"]]
    """true: a directory goes with all that is in it"""


class PutWorkspaceFileQuery(TypedDict):
    mode: NotRequired[str]
    """Default: that of the file which it replaces, else 0644"""


class GetWorkspaceArchiveQuery(TypedDict):
    glob: NotRequired[str]
    """Which: `src/**/*.ts`"""
    format: NotRequired[Literal["tar", "tar.gz", "zip"]]
    """Default: by Accept, else tar"""


class ListWorkspaceSnapshotsQuery(TypedDict):
    limit: NotRequired[int]
    cursor: NotRequired[str]
    """next_cursor of the page before"""


class TakeSnapshotQuery(TypedDict):
    while_running: NotRequired[Literal["true", "false"]]
    """true: also while a run is in it; files that change meanwhile may be left out"""


class ListSnapshotsQuery(TypedDict):
    limit: NotRequired[int]
    cursor: NotRequired[str]
    """next_cursor of the page before"""
    workspace_id: NotRequired[str]
    """Those that were taken of it"""


class ListSnapshotFilesQuery(TypedDict):
    glob: NotRequired[str]
    """Which: `src/**/*.ts`"""
    hash: NotRequired[Literal["true", "false"]]
    """true: with the sha256 of each file"""
    limit: NotRequired[int]
    cursor: NotRequired[str]
    """next_cursor of the page before"""


class GetSnapshotArchiveQuery(TypedDict):
    glob: NotRequired[str]
    """Which: `src/**/*.ts`"""
    format: NotRequired[Literal["tar", "tar.gz", "zip"]]
    """Default: by Accept, else tar"""

DiffWorkspaceQuery = TypedDict(
    "DiffWorkspaceQuery",
    {
        # true: with the text of each change
        "patch": "NotRequired[Literal[\"true\", \"false\"]]",
        # Of files a page; default: 1000. Not of text/x-diff, which is all of it
        "limit": "NotRequired[int]",
        # next_cursor of the page before
        "cursor": "NotRequired[str]",
        # A snapshot: the older side
        "from": "str",
    },
)


class DiffSnapshotsQuery(TypedDict):
    patch: NotRequired[Literal["true", "false"]]
    """true: with the text of each change"""
    limit: NotRequired[int]
    """Of files a page; default: 1000. Not of text/x-diff, which is all of it"""
    cursor: NotRequired[str]
    """next_cursor of the page before"""


class ListEnvironmentSpecsQuery(TypedDict):
    limit: NotRequired[int]
    cursor: NotRequired[str]
    """next_cursor of the page before"""


class ListEnvironmentSpecVersionsQuery(TypedDict):
    limit: NotRequired[int]
    cursor: NotRequired[str]
    """next_cursor of the page before"""


class ListAssetsQuery(TypedDict):
    limit: NotRequired[int]
    cursor: NotRequired[str]
    """next_cursor of the page before"""


class PutAssetQuery(TypedDict):
    extract: NotRequired[Literal["true", "false"]]
    """true: the bytes are a tar, a tar in gzip or a zip, and become a directory"""


class ListAssetVersionsQuery(TypedDict):
    limit: NotRequired[int]
    cursor: NotRequired[str]
    """next_cursor of the page before"""


class GetAssetContentQuery(TypedDict):
    glob: NotRequired[str]
    """Which: `src/**/*.ts`"""
    format: NotRequired[Literal["tar", "tar.gz", "zip"]]
    """Default: by Accept, else tar"""
    path: NotRequired[str]
    """Of a directory: one file in it"""
    run: NotRequired[str]
    """Of a signed address: whom it was made for"""
    expires: NotRequired[int]
    """The same: until when it is good, seconds"""
    signature: NotRequired[str]
    """The same: instead of a token"""


class ListSessionsQuery(TypedDict):
    limit: NotRequired[int]
    cursor: NotRequired[str]
    """next_cursor of the page before"""


class CreateSessionQuery(TypedDict):
    wait: NotRequired[float]
    """Wait up to so many seconds (at most 3600) until it is no longer preparing"""


class GetSessionQuery(TypedDict):
    wait: NotRequired[float]
    """Wait up to so many seconds (at most 3600) until it is no longer preparing"""


class CheckpointSessionQuery(TypedDict):
    while_running: NotRequired[Literal["true", "false"]]
    """true: also while a run is in it; files that change meanwhile may be left out"""
    patch: NotRequired[Literal["true", "false"]]
    """true: with the text of each change"""


class ResetSessionQuery(TypedDict):
    wait: NotRequired[float]
    """Wait up to so many seconds (at most 3600) until it is no longer preparing"""


class WriteStdinQuery(TypedDict):
    eof: NotRequired[Literal["true", "false"]]
    """true: standard input is closed after these bytes"""


class CallBackQuery(TypedDict):
    token: str
    """As the callback address has it"""

SubmitInvocationBody: TypeAlias = "InvocationInput"

ReportEventsBody: TypeAlias = "list[WorkerEventInput]"


class SendSignalBody(TypedDict):
    signal: str


class CancelInvocationBody(TypedDict):
    grace_seconds: NotRequired[float]
    """Between SIGTERM and SIGKILL"""


class CreateWorkspaceBodyFromGit(TypedDict):
    """A tree of a repository, with its .git"""
    url: str
    """https or http, without user, password and query"""
    ref: NotRequired[str]
    """Branch, tag or commit. Default: HEAD"""
    secret: NotRequired[str]
    """Name of a secret of the server: a token for this host"""


class CreateWorkspaceBodyFrom(TypedDict):
    """One of these. Default: nothing is in it"""
    snapshot: NotRequired[str]
    """Id of a snapshot"""
    workspace: NotRequired[str]
    """Id of another workspace, as it is now"""
    invocation: NotRequired[str]
    """The directory of a run, which the server made for it"""
    git: NotRequired[CreateWorkspaceBodyFromGit]
    """A tree of a repository, with its .git"""


class CreateWorkspaceBodyFilesArtifact(TypedDict):
    """Of a finished run"""
    invocation_id: str
    artifact_id: str


class CreateWorkspaceBodyFiles(TypedDict):
    path: str
    """Relative, with slashes"""
    text: NotRequired[str]
    base64: NotRequired[str]
    artifact: NotRequired[CreateWorkspaceBodyFilesArtifact]
    """Of a finished run"""
    asset: NotRequired[str]
    """name, or name@version; a directory comes with all in it"""
    mode: NotRequired[str]
    """Default: 0644"""

CreateWorkspaceBody = TypedDict(
    "CreateWorkspaceBody",
    {
        # Default: one that the server makes
        "workspace_id": "NotRequired[str]",
        # One of these. Default: nothing is in it
        "from": "NotRequired[CreateWorkspaceBodyFrom]",
        # Put in after `from`
        "files": "NotRequired[list[CreateWorkspaceBodyFiles]]",
        "metadata": "NotRequired[dict[str, str]]",
        # It is removed when it was not used for so long. Default: never
        "ttl_seconds": "NotRequired[float]",
        # What its files may have together. Default, and the most: RUNWIRE_MAX_WORKSPACE_BYTES
        "max_bytes": "NotRequired[int]",
    },
)


class TakeSnapshotBody(TypedDict):
    snapshot_id: NotRequired[str]
    """Default: one that the server makes"""
    keep: NotRequired[list[str]]
    """Globs: nothing else is in it"""
    ignore: NotRequired[list[str]]
    """Globs: what they match is not in it, nor what is below"""
    metadata: NotRequired[dict[str, str]]


class RestoreWorkspaceBody(TypedDict):
    snapshot_id: str
    mode: NotRequired[Literal["exact", "overlay"]]
    """`exact`: what is not in the snapshot goes; `overlay`: it stays"""

ResetWorkspaceBody: TypeAlias = "dict[str, Never]"

PutEnvironmentSpecBody: TypeAlias = "EnvironmentSpecInput"


class PutAssetBody(TypedDict):
    url: str
    """Of what is to be kept; redirects are followed, each judged as the first"""
    sha256: str
    """SHA-256 of the bytes that come: of the archive, where it is extracted"""
    secret: NotRequired[str]
    """Name of a secret of the server, for the origin of the URL alone: a token, user:password, or the whole Authorization"""
    extract: NotRequired[bool]
    """true: they are an archive, and become a directory"""
    media_type: NotRequired[str]
    """Default: as the answer says"""

CreateSessionBody: TypeAlias = "NewSessionInput"


class CheckpointSessionBody(TypedDict):
    snapshot_id: NotRequired[str]
    """Default: one that the server makes"""
    keep: NotRequired[list[str]]
    """Globs: nothing else is in it"""
    ignore: NotRequired[list[str]]
    """Globs: what they match is not in it, nor what is below"""
    metadata: NotRequired[dict[str, str]]

ResetSessionBody: TypeAlias = "dict[str, Never]"


class ClaimRunBody(TypedDict):
    runtime_name: NotRequired[str]
    """Only runs of this name"""
    worker: NotRequired[str]
    """Who asks, in words for people"""
    lease_seconds: NotRequired[float]
    """The claim is lost when the worker says nothing for so long"""
    wait_seconds: NotRequired[float]
    """Wait so long for a run to come"""


class HeartbeatBody(TypedDict):
    lease_seconds: NotRequired[float]
    """The claim is lost when the worker says nothing for so long"""
    wait_seconds: NotRequired[float]
    """Answer only after so long, or as soon as the run is to be cancelled"""

CompleteRunBody: TypeAlias = "CompletionInput"

SpeakMcpBody: TypeAlias = "dict[str, Any]"
"""One JSON-RPC message: batches are not taken"""

CallBackBody: TypeAlias = "Any"
"""What an answer to a poll would be, of any media type; anything else makes the run poll now"""


class GetRootAnswer(TypedDict):
    name: Literal["runwire"]
    version: str
    invocations: str
    workspaces: str
    snapshots: str
    assets: str
    environment_specs: str
    sessions: str
    runtimes: str
    readiness: str
    docs: str
    openapi: str
    llms: str


class ListInvocationsAnswer(TypedDict):
    items: list[Record]
    next_cursor: str | None

SubmitInvocationAnswer: TypeAlias = "Record"

GetInvocationAnswer: TypeAlias = "Record"

GetRuntimeInvocationAnswer: TypeAlias = "ExactInvocation"

GetResultAnswer: TypeAlias = "RuntimeResult"

ReportEventsAnswer: TypeAlias = "ClaimState"

CancelInvocationAnswer: TypeAlias = "Record"


class ListArtifactsAnswer(TypedDict):
    items: list[ArtifactDescriptor]

PutArtifactAnswer: TypeAlias = "ArtifactDescriptor"


class ListFilesAnswerItems(TypedDict):
    path: str
    """Relative, with slashes"""
    type: Literal["file", "directory", "link", "fifo", "socket", "device"]
    size_bytes: int
    """0 of what is no file"""
    mode: str
    """Permission bits in octal: 0644"""
    modified_at: str
    target: NotRequired[str]
    """Where a link points, as it says"""
    sha256: NotRequired[str]
    """Of a file, where it was asked for"""


class ListFilesAnswer(TypedDict):
    items: list[ListFilesAnswerItems]
    next_cursor: str | None


class ListWorkspacesAnswer(TypedDict):
    items: list[Workspace]
    next_cursor: str | None

CreateWorkspaceAnswer: TypeAlias = "Workspace"

GetWorkspaceAnswer: TypeAlias = "Workspace"


class ListWorkspaceFilesAnswerItems(TypedDict):
    path: str
    """Relative, with slashes"""
    type: Literal["file", "directory", "link", "fifo", "socket", "device"]
    size_bytes: int
    """0 of what is no file"""
    mode: str
    """Permission bits in octal: 0644"""
    modified_at: str
    target: NotRequired[str]
    """Where a link points, as it says"""
    sha256: NotRequired[str]
    """Of a file, where it was asked for"""


class ListWorkspaceFilesAnswer(TypedDict):
    items: list[ListWorkspaceFilesAnswerItems]
    next_cursor: str | None


class UnpackIntoWorkspaceAnswer(TypedDict):
    files: int
    """Regular files that came"""
    bytes: int
    """Sum of their sizes"""


class ListWorkspaceSnapshotsAnswer(TypedDict):
    items: list[Snapshot]
    next_cursor: str | None

TakeSnapshotAnswer: TypeAlias = "Snapshot"

RestoreWorkspaceAnswer: TypeAlias = "Workspace"

ResetWorkspaceAnswer: TypeAlias = "Workspace"


class ListSnapshotsAnswer(TypedDict):
    items: list[Snapshot]
    next_cursor: str | None

GetSnapshotAnswer: TypeAlias = "Snapshot"


class ListSnapshotFilesAnswerItems(TypedDict):
    path: str
    """Relative, with slashes"""
    type: Literal["file", "directory", "link", "fifo", "socket", "device"]
    size_bytes: int
    """0 of what is no file"""
    mode: str
    """Permission bits in octal: 0644"""
    modified_at: str
    target: NotRequired[str]
    """Where a link points, as it says"""
    sha256: NotRequired[str]
    """Of a file, where it was asked for"""


class ListSnapshotFilesAnswer(TypedDict):
    items: list[ListSnapshotFilesAnswerItems]
    next_cursor: str | None

DiffWorkspaceAnswer: TypeAlias = "Diff"

DiffSnapshotsAnswer: TypeAlias = "Diff"

PutEnvironmentSpecAnswer: TypeAlias = "StoredEnvironmentSpec"

GetEnvironmentSpecAnswer: TypeAlias = "StoredEnvironmentSpec"


class ListEnvironmentSpecsAnswer(TypedDict):
    items: list[StoredEnvironmentSpec]
    next_cursor: str | None


class ListEnvironmentSpecVersionsAnswer(TypedDict):
    items: list[StoredEnvironmentSpec]
    next_cursor: str | None


class ListAssetsAnswer(TypedDict):
    items: list[Asset]
    next_cursor: str | None

GetAssetAnswer: TypeAlias = "Asset"

PutAssetAnswer: TypeAlias = "Asset"


class ListAssetVersionsAnswer(TypedDict):
    items: list[Asset]
    next_cursor: str | None


class ListSessionsAnswer(TypedDict):
    items: list[Session]
    next_cursor: str | None

CreateSessionAnswer: TypeAlias = "Session"

GetSessionAnswer: TypeAlias = "Session"

CheckpointSessionAnswer: TypeAlias = "Checkpoint"

ResetSessionAnswer: TypeAlias = "Session"

ClaimRunAnswer: TypeAlias = "Claimed"

HeartbeatAnswer: TypeAlias = "ClaimState"

CompleteRunAnswer: TypeAlias = "Record"


class ListRuntimesAnswerItems(TypedDict):
    kind: str
    name: str
    description: str
    options_schema: Any
    """JSON Schema of options.<kind>"""
    available: bool
    reason: str | None
    """Why it is not available"""


class ListRuntimesAnswer(TypedDict):
    items: list[ListRuntimesAnswerItems]


class GetRuntimeAnswer(TypedDict):
    kind: str
    name: str
    description: str
    options_schema: Any
    """JSON Schema of options.<kind>"""
    available: bool
    reason: str | None
    """Why it is not available"""


class GetHealthAnswer(TypedDict):
    status: Literal["ok"]


class GetReadinessAnswerRecovery(TypedDict):
    """Runs that an earlier server left unfinished; new ones are taken meanwhile"""
    queued: int
    """Waited for a place, and wait again"""
    resumed: int
    """Ran, and are resumed, or had ended in a way that was learnt"""
    lost: int
    """Ran, and nobody knows how they ended"""
    still_recovering: int
    """Ran, and are still being looked for"""


class GetReadinessAnswer(TypedDict):
    ready: bool
    reason: str | None
    running: NotRequired[int]
    queued: NotRequired[int]
    recovery: NotRequired[GetReadinessAnswerRecovery]
    """Runs that an earlier server left unfinished; new ones are taken meanwhile"""

SpeakMcpAnswer: TypeAlias = "dict[str, Any]"
