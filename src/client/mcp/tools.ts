import type { Client, Tool } from '@modelcontextprotocol/client';
import { parseAmount } from '../../protocol/amount.ts';
import { CountersignError } from '../errors.ts';
import { isRecord } from '../json.ts';

/** A tool of an MCP server in the plain form that agent frameworks take. */
export type AgentTool = {
  /** Unique, and made of characters that all model APIs accept: at most 64 of `A-Z a-z 0-9 _ -`. */
  readonly name: string;
  /** The name that the server uses, e.g. `words.define`. */
  readonly tool: string;
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
  const taken = new Set<string>();
  return tools.map((tool) => agentTool(client, tool, uniqueName(taken, tool.name)));
};

const MAX_NAME = 64;

const uniqueName = (taken: Set<string>, tool: string): string => {
  const plain = tool.replace(/[^A-Za-z0-9_-]/g, '_');
  let name = plain.slice(0, MAX_NAME);
  for (let number = 2; taken.has(name); number += 1) {
    const end = `_${number}`;
    name = plain.slice(0, MAX_NAME - end.length) + end;
  }
  taken.add(name);
  return name;
};

const agentTool = (
  client: Client,
  { name: tool, description, inputSchema, _meta }: Tool,
  name: string,
): AgentTool => ({
  name,
  tool,
  description: description ?? '',
  inputSchema,
  price: priceIn(_meta?.['countersign/price']),
  execute: async (input, { signal } = {}) => {
    const { content, structuredContent, isError } = await client.callTool(
      { name: tool, arguments: { ...input } },
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
