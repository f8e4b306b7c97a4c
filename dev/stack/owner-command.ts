import type { Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import type * as z from 'zod/mini';
import { readOutgoing } from '../../src/client/outgoing.ts';
import { signQuestion, windowAt } from '../../src/client/proof.ts';
import { nowSeconds } from '../../src/core/clock.ts';
import { type Address, ZERO_ADDRESS } from '../../src/core/hex.ts';
import { accountId, network } from '../../src/protocol/account-id.ts';
import {
  SIGNER_ANSWERS,
  SIGNER_ROUTES,
  type SignerRouteId,
  signerToolOf,
} from '../../src/protocol/signer/management.ts';
import { CHAIN_ID } from './chain-access.ts';

/**
 * Sends a request of an owner to a local signer, signed as `Agent-Intent`.
 *
 * @param body absent for a route that only reads
 * @throws Error for an answer other than 200
 */
export const sendOwnerCommand = async <Id extends SignerRouteId>(
  signer: string,
  privateKey: Hex,
  id: Id,
  body?: unknown,
): Promise<z.output<(typeof SIGNER_ANSWERS)[Id]>> => {
  const on = network(CHAIN_ID);
  const owner = privateKeyToAccount(privateKey);
  const { method, path } = SIGNER_ROUTES[id];
  const account = accountId(on, owner.address.toLowerCase() as Address);
  const url = signer + path.replace(':owner', account);
  const init =
    body === undefined
      ? { method }
      : { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const { header } = await signQuestion(owner, await readOutgoing(url, init), on, {
    ...{ audience: signer, tool: signerToolOf(id), payTo: ZERO_ADDRESS, asset: ZERO_ADDRESS },
    maxAmount: 0n,
    ...windowAt(nowSeconds()),
  });
  const headers = { ...init.headers, [header[0]]: header[1] };
  const response = await fetch(url, { ...init, headers });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${id}: ${response.status} ${text}`);
  return SIGNER_ANSWERS[id].parse(JSON.parse(text)) as z.output<(typeof SIGNER_ANSWERS)[Id]>;
};
