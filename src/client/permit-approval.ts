import * as z from 'zod/mini';
import { encodeBase64, utf8 } from '../crypto/bytes.ts';
import { checksummed } from '../crypto/address.ts';
import { chainIdOf } from '../protocol/account-id.ts';
import { agentIntentSchema } from '../protocol/intent/agent-intent.ts';
import { uint256 } from '../protocol/wire-fields.ts';
import { APPROVAL_TYPE, GAS_SPONSORING_EXTENSION, PERMIT2 } from '../protocol/x402/permit2.ts';
import { isRecord, readBase64Json } from './json.ts';
import type { Choice } from './offer-choice.ts';
import type { Proof } from './proof.ts';
import {
  addressOf,
  CONTRACT_DOMAIN,
  sign,
  type Signer,
  structOf,
  type TypedData,
} from './signer.ts';

const MAX_HEADER = 65_536;
/** Only a key can approve: the token takes `v`, `r` and `s`. */
const ECDSA = /^0x[0-9a-f]{130}$/i;

/** The members of this client's payment that the approval repeats. */
const paymentSchema = z.looseObject({
  extensions: z.optional(z.record(z.string(), z.unknown())),
  payload: z.looseObject({ permit2Authorization: z.looseObject({ deadline: uint256 }) }),
});

const intentSchema = z.looseObject({ info: z.looseObject({ intent: agentIntentSchema }) });

/**
 * Adds an EIP-2612 approval of Permit2 to a permit that is signed: for exactly the permitted maximum, until the deadline of the permit. The
 * permit stays the same, so both are one payment.
 *
 * @param nonce that of the payer at the token, as a server states it: a wrong one approves nothing
 * @returns undefined if the account signs no approval that the token accepts
 * @throws CountersignError as `sign`
 */
export const withApproval = async (
  signer: Signer,
  { token, requirement }: Pick<Choice, 'token' | 'requirement'>,
  proof: Proof,
  nonce: bigint,
): Promise<Proof | undefined> => {
  const [name, header] = proof.header;
  const payment = paymentSchema.parse(readBase64Json(header, MAX_HEADER));
  const { extensions = {}, payload } = payment;
  const { deadline } = payload.permit2Authorization;
  const owner = addressOf(signer);
  const data: TypedData = {
    domain: {
      name: token.name,
      version: token.version,
      chainId: chainIdOf(token.network) ?? 0,
      verifyingContract: token.address,
    },
    types: { EIP712Domain: CONTRACT_DOMAIN, ...structOf(APPROVAL_TYPE) },
    primaryType: 'Permit',
    message: { owner, spender: PERMIT2, value: requirement.amount, nonce, deadline },
  };
  const bound = intentSchema.safeParse(extensions['agent-intent']);
  const context = bound.success ? { intent: bound.data.info.intent } : undefined;
  const signature = await sign(signer, data, context);
  if (!ECDSA.test(signature)) return undefined;
  const offered = extensions[GAS_SPONSORING_EXTENSION];
  const info = {
    version: '1',
    from: checksummed(owner),
    asset: checksummed(token.address),
    spender: checksummed(PERMIT2),
    amount: requirement.amount.toString(),
    nonce: nonce.toString(),
    deadline: deadline.toString(),
    signature,
  };
  const sponsored = { ...(isRecord(offered) ? offered : {}), info };
  const approved = {
    ...payment,
    extensions: { ...extensions, [GAS_SPONSORING_EXTENSION]: sponsored },
  };
  // `uint256` has parsed the deadline to a bigint.
  const text = JSON.stringify(approved, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  return { ...proof, header: [name, encodeBase64(utf8(text))] };
};
