import {
  type CallToolResult,
  Client,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import type { AgentContext } from '../context.ts';
import { payingFetch } from './paying-fetch.ts';
import { openReading, type Reading } from './reading.ts';

/** How an MCP client introduces itself to servers. */
export type McpClientInfo = { readonly name: string; readonly version: string };

/** Connects an MCP client of the official SDK whose calls the agent pays. @throws the errors of `Client.connect` */
export const connect = async (
  context: AgentContext,
  url: string,
  info: McpClientInfo,
): Promise<Client> => {
  const client = new Client(info);
  const endpoint = new URL(url);
  const reading = openReading(context, endpoint.origin);
  const fetch = payingFetch(context, endpoint, reading);
  await client.connect(new StreamableHTTPClientTransport(endpoint, { fetch }));
  readings.set(client, reading);
  return client;
};

const readings = new WeakMap<Client, Reading>();

/**
 * Calls the tool `spending` of a gateway with an intent that moves nothing. Attack: a server that does not accept such an intent may sell a
 * tool with that name, and the client would pay. So the client does not call it there.
 *
 * @returns undefined without a call, if the server announced no audience that the agent accepts
 * @throws the errors of `Client.callTool`
 */
export const readSpending = async (client: Client): Promise<CallToolResult | undefined> =>
  readings.get(client)?.isOpen() === true
    ? await client.callTool({ name: 'spending', arguments: {} })
    : undefined;
