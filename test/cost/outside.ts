import { usdc } from '../../dev/stack/chain-access.ts';
import type { Payment } from '../../src/protocol/payment.ts';
import { FACILITATOR, RPC } from '../unit/settlement/scripted.ts';
import { answerHosts, type ScriptedChain } from '../unit/settlement/scripted-chain.ts';

export const UPSTREAM = 'https://upstream.example';
/** The tool's answer, as long as a dictionary entry. */
const ANSWER = JSON.stringify({
  word: 'signature',
  senses: 'a name, written by hand. '.repeat(30),
});
const facilitatorOf =
  (pay: (payment: Payment) => string) =>
  (body: unknown, path: string): Response => {
    if (path === '/supported') return new Response('', { status: 404 });
    const { paymentPayload } = body as {
      paymentPayload: {
        payload: { authorization: Record<string, string>; signature: `0x${string}` };
      };
    };
    const { authorization, signature } = paymentPayload.payload;
    const { from, to, value = '0', validAfter = '0', validBefore = '0', nonce } = authorization;
    const transaction = pay({
      token: usdc,
      authorization: {
        ...({ from, to, nonce } as Pick<Payment['authorization'], 'from' | 'to' | 'nonce'>),
        value: BigInt(value),
        validAfter: BigInt(validAfter),
        validBefore: BigInt(validBefore),
      },
      signature,
      maxTimeoutSeconds: 3_600,
    });
    return Response.json({ success: true, transaction, network: usdc.network, payer: from });
  };

/** Answers for the services outside the gateway: a node, a facilitator whose transactions are mined at once, and the tool. */
export const answerOutside = (chain: ScriptedChain): void => {
  answerHosts({
    [new URL(RPC).host]: (body) => chain.respond(body),
    [new URL(FACILITATOR).host]: facilitatorOf((payment) => chain.pay(payment)),
    [new URL(UPSTREAM).host]: () =>
      new Response(ANSWER, { headers: { 'content-type': 'application/json' } }),
  });
};
