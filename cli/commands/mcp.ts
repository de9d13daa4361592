import type { Command } from 'commander';
import { say } from '../process/say.ts';
import { Server, type ServerFlags, withServer } from '../process/server.ts';

const EXAMPLES = `In the configuration of an agent:
  {"mcpServers": {"runwire": {"command": "npx", "args": ["runwire", "mcp"], "env": {"RUNWIRE_URL": "http://127.0.0.1:7070"}}}}
`;

export function addMcp(program: Command): void {
  withServer(program.command('mcp'))
    .summary('an MCP server on standard input and output, for agents')
    .description('Gives an agent what the server can do, by the Model Context Protocol. The agent starts it.')
    .addHelpText('before', EXAMPLES)
    .action(async (flags: ServerFlags) => {
      const { brief } = new Server(flags);
      const { serveOnStdio } = await import('../../mcp/stdio.ts');
      await serveOnStdio(brief, (error) => say(error instanceof Error ? error.message : String(error)));
    });
}
