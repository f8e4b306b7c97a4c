import type { Tool } from '@modelcontextprotocol/client';

export const CALL_AGAIN = 'call_again';
export const SPENDING = 'spending';

/** Tools of the bridge itself. They are free, and no remote tool can take their names. */
export const OWN_TOOLS: readonly Tool[] = [
  {
    name: CALL_AGAIN,
    description:
      'Continues a call that waits for the approval of a person, or whose answer you missed, and returns its answer. It signs nothing new, and the call runs once. Without arguments, lists the calls that wait.',
    inputSchema: {
      type: 'object',
      properties: { call: { type: 'string', description: 'The id that the waiting call named.' } },
      additionalProperties: false,
    },
    annotations: { idempotentHint: true },
  },
  {
    name: SPENDING,
    description:
      'Returns what your limits leave: those of this bridge, and at each gateway your limits, your credit, and the rule that stops you, if one does. Free.',
    inputSchema: { type: 'object', properties: {}, additionalProperties: false },
    annotations: { readOnlyHint: true },
  },
];

export const isOwn = (name: string): boolean => OWN_TOOLS.some((tool) => tool.name === name);
