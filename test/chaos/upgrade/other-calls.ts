import * as z from 'zod/mini';
import { NOTE, NOTE_PRICE } from '../../../dev/previous/tools.ts';
import type { Member } from '../../../dev/storm/fleet.ts';

/** A call that a version answered. Amount in atomic units. */
export type Bought = { readonly how: 'credit' | 'mcp'; readonly charged: bigint };

const EACH = 3;
/** More than all calls from credit cost. */
const CREDIT = '$1.00';

const reportSchema = z.object({ charged: z.string() });

/** Buys credit, from which every version must let the agent pay. */
export const buyCredit = async (gateway: string, { agent }: Member): Promise<void> => {
  const answer = await agent.topUp(gateway, CREDIT);
  if (answer.status !== 200) throw new Error(`no credit: ${answer.status} ${await answer.text()}`);
};

/** Calls a tool from credit, and another one over MCP. @throws Error for an answer that is none of the tool */
export const buyOtherwise = async (
  gateway: string,
  creditor: Member,
  host: Member,
  phase: number,
): Promise<readonly Bought[]> => {
  const fromCredit = async (at: number): Promise<Bought> => {
    const answer = await creditor.agent.fetch(
      `${gateway}/note?text=${encodeURIComponent(`credit ${phase} ${at}`)}`,
    );
    const { charged, binding } = answer.countersign;
    if (answer.status !== 200 || charged !== NOTE_PRICE)
      throw new Error(`no call from credit: ${answer.status} ${binding} ${await answer.text()}`);
    return { how: 'credit', charged };
  };
  const numbers = Array.from({ length: EACH }, (_, at) => at);
  const client = await host.agent.mcp(`${gateway}/mcp`);
  const overMcp = async (at: number): Promise<Bought> => {
    const text = `phase ${phase}, call ${at}`;
    const result = await client.callTool({ name: NOTE, arguments: { text } });
    if (result.isError === true) throw new Error(JSON.stringify(result));
    const { charged } = reportSchema.parse(result._meta?.['countersign/report']);
    return { how: 'mcp', charged: BigInt(charged) };
  };
  const all = await Promise.all([...numbers.map(fromCredit), ...numbers.map(overMcp)]);
  await client.close();
  return all;
};
