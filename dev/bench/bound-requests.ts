import { getRequest } from './connection.ts';
import type { GatewaySubject } from './gateway-subject.ts';
import { type BenchAgent, boundPayment } from './signing.ts';
import { LOOKUP, offerOf, type Sale } from './subject.ts';

/** Makes bound requests to a gateway for one tool: each signed, and never to be sent twice. */
export type MakeBound = (agent: BenchAgent, count: number) => readonly Buffer[];

export const boundRequests = async (
  gateway: GatewaySubject,
  { tool, target }: Sale = LOOKUP,
): Promise<MakeBound> => {
  const offer = await offerOf(gateway, target);
  const request = { audience: gateway.audience, tool, target };
  return (agent, count) =>
    Array.from({ length: count }, () =>
      getRequest(gateway.port, target, {
        'PAYMENT-SIGNATURE': boundPayment(agent, offer, request),
      }),
    );
};
