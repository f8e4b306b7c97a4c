import type { Client, Tool } from '@modelcontextprotocol/client';
import { parseAmount } from '../../protocol/amount.ts';
import { CountersignError } from '../errors.ts';
import { isRecord } from '../json.ts';

/** A tool of an MCP server in the plain form that agent frameworks take. */
export type AgentTool = {
  readonly name: string;
  /** For the model. Gateways state the price in it. */
  readonly description: string;
  /** JSON Schema 2020-12 of the arguments. */
  readonly inputSchema: { readonly type: 'object'; readonly [key: string]: unknown };
  /** The most that a call costs, in atomic units; undefined if the server does not state it. */
  readonly price: bigint | undefined;
  /**
   * Calls the tool and pays for it.
   *
   * @returns the tool's JSON object, or its text; the content blocks if it answers with something else, e.g. an image
   * @throws CountersignError `tool_failed` with the server's reason, and the errors of `Agent.fetch`
   */
  execute(
    input: Readonly<Record<string, unknown>>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<unknown>;
};

/** Lists the tools of a server. @throws the errors of the connection */
export const toolsOf = async (client: Client): Promise<readonly AgentTool[]> => {
  const { tools } = await client.listTools();
  return tools.map((tool) => agentTool(client, tool));
};

const agentTool = (client: Client, { name, description, inputSchema, _meta }: Tool): AgentTool => ({
  name,
  description: description ?? '',
  inputSchema,
  price: priceIn(_meta?.['countersign/price']),
  execute: async (input, { signal } = {}) => {
    const { content, structuredContent, isError } = await client.callTool(
      { name, arguments: { ...input } },
      signal === undefined ? {} : { signal },
    );
    const texts = content.flatMap((block) => (block.type === 'text' ? [block.text] : []));
    if (isError === true) {
      throw new CountersignError('tool_failed', texts.join('\n').slice(0, MAX_REASON));
    }
    if (structuredContent !== undefined) return structuredContent;
    return texts.length === content.length ? texts.join('\n') : content;
  },
});

/** Characters of a server's reason that reach the model. */
const MAX_REASON = 4_096;

const priceIn = (price: unknown): bigint | undefined =>
  isRecord(price) && typeof price['amount'] === 'string' ? parseAmount(price['amount']) : undefined;
