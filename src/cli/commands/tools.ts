import { type ArgumentSpec, defineCommand } from '../lib/command.ts';

const TOOL: ArgumentSpec = { syntax: '<tool>', summary: 'its id' };

export const command = defineCommand({
  name: 'tools',
  summary: 'what a gateway sells, as operator',
  commands: [
    {
      name: 'list',
      summary: 'the catalogue, disabled tools too',
      shared: ['gateway', 'signer'],
      run: async (session) => {
        const { listTools } = await import('../tools/list.ts');
        await listTools(session);
      },
    },
    {
      name: 'get',
      summary: 'one tool, as `tools put` takes it',
      arguments: [TOOL],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { getTool } = await import('../tools/one.ts');
        await getTool(session, input);
      },
    },
    {
      name: 'put',
      summary: 'adds or changes a tool, live within 5 s',
      arguments: [{ syntax: '<file>', summary: 'one tool as JSON; - for standard input' }],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { putTool } = await import('../tools/one.ts');
        await putTool(session, input);
      },
    },
    {
      name: 'disable',
      summary: 'answers 404 for a tool; its path stays its own',
      arguments: [TOOL],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { switchTool } = await import('../tools/one.ts');
        await switchTool(session, input, 'disabled');
      },
    },
    {
      name: 'enable',
      summary: 'serves a disabled tool again',
      arguments: [TOOL],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { switchTool } = await import('../tools/one.ts');
        await switchTool(session, input, 'enabled');
      },
    },
    {
      name: 'remove',
      summary: 'takes a tool out of the catalogue',
      arguments: [TOOL],
      shared: ['gateway', 'signer'],
      run: async (session, input) => {
        const { removeTool } = await import('../tools/one.ts');
        await removeTool(session, input);
      },
    },
  ],
  examples: [
    'countersign tools list',
    'countersign tools get lookup > lookup.json',
    'countersign tools disable lookup',
  ],
});
