import * as z from 'zod/mini';
import type { Address, Hex } from '../../core/hex.ts';
import {
  addressWord,
  bytes32Word,
  structHash,
  typedDataDigest,
  uintWord,
  type Word,
} from '../../crypto/typed-data.ts';
import { bytes32 } from '../wire-fields.ts';
import { ZERO_WORD } from './agent-delegation.ts';
import { domainWord } from './domain.ts';
import { party, storedUint } from './grant-fields.ts';

/**
 * What an issuer signs to take grants back for ever (design §4.5): the one with this `id`, or, with id zero, all of its grants
 * below `epoch`. Floors only rise and ids stay dead, so a replay does nothing and no nonce is needed.
 */
export type AgentRevocation = {
  readonly issuer: Address;
  readonly id: Hex;
  readonly epoch: bigint;
  readonly issuedAt: bigint;
};

/** The wire form: exactly these keys, integers as decimal strings. One of id and epoch says something, never both. */
export const agentRevocationSchema = z
  .strictObject(
    { issuer: party, id: bytes32, epoch: storedUint, issuedAt: storedUint },
    'must be an object with the fields of AgentRevocation',
  )
  .check(
    z.refine(({ id, epoch }) => (id === ZERO_WORD) !== (epoch === 0n), {
      path: ['epoch'],
      message: 'must be 0 with an id, and above 0 with id zero',
    }),
  );

/** The fields in their wire form. */
export const revocationFields = (
  revocation: AgentRevocation,
): Record<keyof AgentRevocation, string> => ({
  ...revocation,
  epoch: revocation.epoch.toString(),
  issuedAt: revocation.issuedAt.toString(),
});

/** The EIP-712 type that is signed, as `encodeType` writes it. */
export const AGENT_REVOCATION_TYPE =
  'AgentRevocation(address issuer,bytes32 id,uint64 epoch,uint64 issuedAt)';
/** Its hash, written down: an isolate would hash it before its first request. Tests compare every digest with viem's. */
const AGENT_REVOCATION_HASH: Word =
  'f169ded22454aa764b190c7e0b6e38b1d360934ded5b36cc70523cd32112ed44';

/** The EIP-712 digest of a revocation. */
export const revocationDigest = (revocation: AgentRevocation, chainId: number): Hex =>
  typedDataDigest(
    domainWord(chainId),
    structHash(
      AGENT_REVOCATION_HASH,
      addressWord(revocation.issuer),
      bytes32Word(revocation.id),
      uintWord(revocation.epoch),
      uintWord(revocation.issuedAt),
    ),
  );
