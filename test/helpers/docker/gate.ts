import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';

/** A question to the engine, as its request line has it: `POST /containers/abc/start`. */
type Question = RegExp;

/** Between a server and its engine: questions can be held back, so that the server dies while it asks. */
export interface DockerGate extends AsyncDisposable {
  /** DOCKER_HOST of it. */
  host: string;
  /** Let no such question through; resolves when one came. */
  hold(question: Question): Promise<void>;
  /** Let such a question through, and none of what the engine says after it; resolves when the engine has begun to answer. */
  mute(question: Question): Promise<void>;
  /** The connections break off on which such a question was the last. */
  cut(question: Question): void;
  /** Nothing is held any more. The connections of what was held break off. */
  open(): void;
}

interface Rule {
  question: Question;
  how: 'hold' | 'mute';
  met(): void;
}

/** `host` is the engine's DOCKER_HOST, '' for this machine's; `directory` is where the socket of the gate is. */
export async function dockerGate(host: string, directory: string): Promise<DockerGate> {
  const engineSocket = host === '' ? '/var/run/docker.sock' : host.replace('unix://', '');
  const path = join(directory, 'gate.sock');
  const sockets = new Set<Socket>();
  const holding = new Set<Socket>();
  const asked = new Map<Socket, string>();
  let rule: Rule | null = null;
  const server = createServer((client) => {
    const engine = connect(engineSocket);
    let held: Rule | null = null;
    for (const socket of [client, engine]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => sockets.delete(socket));
    }
    client.on('data', (chunk: Buffer) => {
      const [line = ''] = chunk.toString('latin1').split('\r\n', 1);
      if (line.endsWith(' HTTP/1.1')) asked.set(client, line);
      if (rule?.question.test(line)) {
        held = rule;
        holding.add(client);
      }
      if (held?.how === 'hold') return held.met();
      engine.write(chunk);
    });
    engine.on('data', (chunk: Buffer) => {
      if (held?.how === 'mute') return held.met();
      client.write(chunk);
    });
    client.once('end', () => engine.end());
    engine.once('end', () => client.end());
    client.once('close', () => {
      asked.delete(client);
      engine.destroy();
    });
    engine.once('close', () => client.destroySoon());
  });
  await new Promise<void>((listening) => server.listen(path, listening));
  const set = (question: Question, how: Rule['how']): Promise<void> =>
    new Promise((resolve) => {
      rule = { question, how, met: () => resolve() };
    });
  return {
    host: `unix://${path}`,
    hold: (question) => set(question, 'hold'),
    mute: (question) => set(question, 'mute'),
    cut(question) {
      for (const [socket, line] of asked) if (question.test(line)) socket.destroy();
    },
    open() {
      rule = null;
      for (const socket of holding) socket.destroy();
      holding.clear();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
