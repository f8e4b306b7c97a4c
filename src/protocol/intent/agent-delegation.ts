import * as z from 'zod/mini';
import { type Address, type Hex, ZERO_HASH } from '../../core/hex.ts';
import {
  addressWord,
  arrayWord,
  bytes32Word,
  stringWord,
  structHash,
  typedDataDigest,
  uintWord,
  type Word,
} from '../../crypto/typed-data.ts';
import {
  address,
  bytes32,
  party,
  payees,
  printable,
  storedUint,
  toolPatterns,
  uint256,
} from '../wire-fields.ts';
import { domainWord } from './domain.ts';

/**
 * A grant: the issuer lets the delegate's key call tools and spend, within limits (docs/wire-format.md §16). Amounts are atomic units,
 * times Unix seconds.
 */
export type AgentDelegation = {
  readonly issuer: Address;
  readonly delegate: Address;
  /** Origin of the one gateway that may accept this grant. */
  readonly audience: string;
  /** Tool ids, `prefix.*` or `*`. An empty list allows no tool. */
  readonly tools: readonly string[];
  /** An empty list allows no payee; `0xffff…ffff` allows every payee. */
  readonly payees: readonly Address[];
  /** Token address. Zero allows no spending. */
  readonly asset: Address;
  readonly maxPerCall: bigint;
  /** Always a hard limit: zero allows no spending. */
  readonly maxTotal: bigint;
  /** Zero sets no window. */
  readonly windowSeconds: bigint;
  readonly maxPerWindow: bigint;
  readonly validAfter: bigint;
  readonly validUntil: bigint;
  /** A revocation that raises the issuer's epoch floor above this value revokes the grant. */
  readonly epoch: bigint;
  /** How many levels of further grants the delegate may issue. */
  readonly depth: number;
  readonly id: Hex;
  /** Digest of the grant that the issuer received; zero if the issuer is an owner. */
  readonly parent: Hex;
};

export const MAX_DEPTH = 3;
const DEPTH = `must be an integer from 0 to ${MAX_DEPTH}`;

/** The wire form: exactly these keys, integers as decimal strings, depth as a number. */
export const agentDelegationSchema = z
  .strictObject(
    {
      issuer: party,
      delegate: party,
      audience: printable(256),
      tools: toolPatterns,
      payees,
      asset: address,
      maxPerCall: uint256,
      maxTotal: uint256,
      windowSeconds: storedUint,
      maxPerWindow: uint256,
      validAfter: storedUint,
      validUntil: storedUint,
      epoch: storedUint,
      depth: z.int(DEPTH).check(z.minimum(0, DEPTH), z.maximum(MAX_DEPTH, DEPTH)),
      id: bytes32.check(z.refine((id) => id !== ZERO_HASH, 'must not be zero')),
      parent: bytes32,
    },
    'must be an object with the fields of AgentDelegation',
  )
  .check(
    // The shortest cycle: an account that grants to itself would be its own ancestor.
    z.refine(({ issuer, delegate }) => issuer !== delegate, {
      path: ['delegate'],
      message: 'must not be the issuer',
    }),
    z.refine(({ validAfter, validUntil }) => validAfter < validUntil, {
      path: ['validUntil'],
      message: 'must be after validAfter',
    }),
  );

type Integers =
  | 'maxPerCall'
  | 'maxTotal'
  | 'windowSeconds'
  | 'maxPerWindow'
  | 'validAfter'
  | 'validUntil'
  | 'epoch';

/** A grant in its wire form, as JSON carries it. */
export type DelegationFields = Omit<AgentDelegation, Integers> & Readonly<Record<Integers, string>>;

/** Writes the wire form of a grant. */
export const delegationFields = (delegation: AgentDelegation): DelegationFields => ({
  ...delegation,
  maxPerCall: delegation.maxPerCall.toString(),
  maxTotal: delegation.maxTotal.toString(),
  windowSeconds: delegation.windowSeconds.toString(),
  maxPerWindow: delegation.maxPerWindow.toString(),
  validAfter: delegation.validAfter.toString(),
  validUntil: delegation.validUntil.toString(),
  epoch: delegation.epoch.toString(),
});

/** The EIP-712 type that the issuer signs, as `encodeType` writes it. */
export const AGENT_DELEGATION_TYPE =
  'AgentDelegation(address issuer,address delegate,string audience,string[] tools,address[] payees,address asset,' +
  'uint256 maxPerCall,uint256 maxTotal,uint64 windowSeconds,uint256 maxPerWindow,uint64 validAfter,uint64 validUntil,' +
  'uint64 epoch,uint32 depth,bytes32 id,bytes32 parent)';
/** Keccak-256 of the type, precomputed: an isolate would hash it before its first request. Tests compare every digest with viem's. */
const AGENT_DELEGATION_HASH: Word =
  '432a84f7d45ad015d83576d71ce04cf419cb23add021d369877040499b657904';

/** The EIP-712 digest of a grant: the issuer signs it, and it names the grant in `authority` and `parent`. */
export const delegationDigest = (delegation: AgentDelegation, chainId: number): Hex =>
  typedDataDigest(
    domainWord(chainId),
    structHash(
      AGENT_DELEGATION_HASH,
      addressWord(delegation.issuer),
      addressWord(delegation.delegate),
      stringWord(delegation.audience),
      arrayWord(delegation.tools.map(stringWord)),
      arrayWord(delegation.payees.map(addressWord)),
      addressWord(delegation.asset),
      uintWord(delegation.maxPerCall),
      uintWord(delegation.maxTotal),
      uintWord(delegation.windowSeconds),
      uintWord(delegation.maxPerWindow),
      uintWord(delegation.validAfter),
      uintWord(delegation.validUntil),
      uintWord(delegation.epoch),
      uintWord(BigInt(delegation.depth)),
      bytes32Word(delegation.id),
      bytes32Word(delegation.parent),
    ),
  );
