import type { Hex } from 'viem';
import { type Agent, type PaidRequest, signRequest } from '../support/agent.ts';
import type { Stage } from '../support/stage.ts';

/** A call that an agent has paid for, and what it got. */
export type Sale = {
  readonly agent: Agent;
  readonly request: PaidRequest;
  readonly receipt: string;
  /** The entry that the receipt names. */
  readonly entry: Hex;
};

/** The answer to a request that is sent once more. */
export const statusOf = async ({ url, header }: PaidRequest): Promise<number> => {
  const response = await fetch(url, { headers: { 'PAYMENT-SIGNATURE': header } });
  await response.body?.cancel();
  return response.status;
};

/** The entry that a receipt, a compact JWS, names. */
const entryOf = (receipt: string): Hex => {
  const [, claims = ''] = receipt.split('.');
  return (JSON.parse(Buffer.from(claims, 'base64url').toString()) as { entry: Hex }).entry;
};

const sellOne = async (stage: Stage, agent: Agent): Promise<Sale> => {
  const request = await signRequest(stage, agent, 'deferred');
  const response = await fetch(request.url, { headers: { 'PAYMENT-SIGNATURE': request.header } });
  const body = await response.text();
  const receipt = response.headers.get('agent-receipt');
  if (response.status !== 200 || receipt === null)
    throw new Error(`${agent.name} got ${response.status}: ${body}`);
  return { agent, request, receipt, entry: entryOf(receipt) };
};

/** All agents pay at once, each for this many calls, one after the other. */
export const sell = async (
  stage: Stage,
  agents: readonly Agent[],
  calls: number,
): Promise<readonly Sale[]> => {
  const all = await Promise.all(
    agents.map(async (agent) => {
      const sales: Sale[] = [];
      for (let at = 0; at < calls; at += 1) sales.push(await sellOne(stage, agent));
      return sales;
    }),
  );
  return all.flat();
};
