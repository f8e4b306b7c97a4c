import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { AgentContext } from '../context.ts';
import { payingFetch } from './paying-fetch.ts';

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
  const fetch = payingFetch(context, endpoint);
  await client.connect(new StreamableHTTPClientTransport(endpoint, { fetch }));
  return client;
};
