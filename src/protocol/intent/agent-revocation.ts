import * as z from 'zod/mini';
import { type Address, type Hex, ZERO_HASH } from '../../core/hex.ts';
import {
  addressWord,
  bytes32Word,
  structHash,
  typedDataDigest,
  uintWord,
  type Word,
} from '../../crypto/typed-data.ts';
import { bytes32, party, storedUint } from '../wire-fields.ts';
import { domainWord } from './domain.ts';

/**
 * A revocation: the issuer permanently revokes the grant with this `id` or, with id zero, all of its grants below `epoch`
 * (docs/wire-format.md §16). Needs no nonce: epoch floors only rise and ids stay revoked, so a replay changes nothing.
 */
export type AgentRevocation = {
  readonly issuer: Address;
  readonly id: Hex;
  readonly epoch: bigint;
  readonly issuedAt: bigint;
};

/** The wire form: exactly these keys, integers as decimal strings. Exactly one of `id` and `epoch` is nonzero. */
export const agentRevocationSchema = z
  .strictObject(
    { issuer: party, id: bytes32, epoch: storedUint, issuedAt: storedUint },
    'must be an object with the fields of AgentRevocation',
  )
  .check(
    z.refine(({ id, epoch }) => (id === ZERO_HASH) !== (epoch === 0n), {
      path: ['epoch'],
      message: 'must be 0 with an id, and above 0 with id zero',
    }),
  );

/** Writes the wire form of a revocation. */
export const revocationFields = (
  revocation: AgentRevocation,
): Record<keyof AgentRevocation, string> => ({
  ...revocation,
  epoch: revocation.epoch.toString(),
  issuedAt: revocation.issuedAt.toString(),
});

/** The EIP-712 type that the issuer signs, as `encodeType` writes it. */
export const AGENT_REVOCATION_TYPE =
  'AgentRevocation(address issuer,bytes32 id,uint64 epoch,uint64 issuedAt)';
/** Keccak-256 of the type, precomputed: an isolate would hash it before its first request. Tests compare every digest with viem's. */
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
