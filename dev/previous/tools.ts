import { TOOLS } from '../storm/sold.ts';

/** A tool that is called over MCP, which has no tools with paths that end in a wildcard. */
export const NOTE = 'note';
export const NOTE_PRICE = 5_003n;

/** The tools that both versions sell while they run side by side: those of a storm, and `note`. */
export const UPGRADE_TOOLS = {
  tools: [
    ...TOOLS.tools,
    {
      id: NOTE,
      method: 'GET',
      path: '/note',
      description: 'A tool that is called over MCP: note.',
      price: `${NOTE_PRICE}u`,
      settlement: 'deferred',
      upstream: '/note',
      inputSchema: {
        type: 'object',
        properties: { text: { type: 'string', maxLength: 100 } },
        required: ['text'],
        additionalProperties: false,
      },
    },
  ],
};
