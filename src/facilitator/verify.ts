import { nowSeconds } from '../core/clock.ts';
import { PRIVATE } from '../gateway/answer-headers.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { problem } from '../protocol/problem/problem.ts';
import { checkOnChain, readPayer } from './payer.ts';
import { receivePayment } from './receive.ts';
import { nonceUsed, type Refusal } from './refusal.ts';

/**
 * `POST /facilitator/verify`: whether a payment would settle now. Reads the chain and writes nothing. An unreachable chain is a problem with
 * status 503: the server must answer its client with a server error, and not with a 402 that asks for a new signature.
 */
export const verify = async (gateway: Gateway, request: Request): Promise<Response> => {
  const received = await receivePayment(gateway, 'verify', request, nowSeconds());
  if (!received.ok) {
    const { error } = received;
    return error.kind === 'problem' ? problem(error.reason) : refused(error.refusal);
  }
  const checked = received.value;
  const payer = checked.payment.authorization.from;
  if (checked.isExpired) {
    return refused({
      reason: 'invalid_exact_evm_payload_authorization_valid_before',
      message: 'The authorization ends too soon to settle it.',
      payer,
    });
  }
  const facts = await readPayer(gateway, checked);
  const standing = facts && (await checkOnChain(gateway, checked, facts));
  if (standing === undefined) {
    const { network } = checked.payment.token;
    return problem({ reason: 'payer_unreachable', network, needs: 'payer' });
  }
  if (!standing.ok) return refused(standing.error);
  return standing.value === 'ended' ? refused(nonceUsed(payer)) : answer({ isValid: true, payer });
};

const refused = ({ reason, message, payer }: Refusal): Response =>
  answer({
    isValid: false,
    invalidReason: reason,
    invalidMessage: message,
    ...(payer === undefined ? {} : { payer }),
  });

const answer = (body: object): Response => Response.json(body, { headers: PRIVATE });
