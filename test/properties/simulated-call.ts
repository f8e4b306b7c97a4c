import type { Call } from '../../src/protocol/account/call.ts';
import {
  asset,
  hex,
  idOf,
  payTo,
  type SimulatedAccount,
  START,
  token,
} from './simulated-account.ts';
import type { Plan } from './steps.ts';

/** Builds the call of a plan as the gateway sends it at `now`. */
export const callBy = (
  plans: readonly Plan[],
  index: number,
  now: number,
  accountAt: (index: number) => SimulatedAccount,
): Call => {
  const { kind, payer, price, onSilence, life } = plans[index] as Plan;
  const simulated = accountAt(payer);
  const nonce = idOf(index);
  const validBefore = START + life;
  const topsUp = kind === 'topUpOwn' || kind === 'topUpOther';
  const unpaid = kind === 'free' || kind === 'intent';
  return {
    account: simulated.account,
    id: nonce,
    request: hex(index, 32),
    tool: topsUp ? 'countersign.credits' : 'tool',
    proof: unpaid ? 'intent' : 'x402',
    binding: unpaid || topsUp ? 'intent' : 'none',
    settlement: topsUp || kind === 'intent' ? 'upfront' : kind,
    onSilence,
    timeoutSeconds: 10,
    asset,
    payTo,
    price,
    validBefore,
    execute: now < validBefore - 6,
    ...(topsUp
      ? { topUp: { to: accountAt(kind === 'topUpOwn' ? payer : payer + 1).account } }
      : {}),
    ...(unpaid
      ? { intent: { fields: { validBefore: String(validBefore) } } }
      : {
          payment: {
            token,
            signature: hex(7, 65),
            maxTimeoutSeconds: life,
            authorization: {
              from: simulated.payer,
              to: payTo,
              value: price,
              validAfter: 0n,
              validBefore: BigInt(validBefore),
              nonce,
            },
          },
        }),
  };
};
