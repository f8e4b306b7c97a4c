import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import type { Json, LoggedEntry } from '../protocol/entry.ts';
import type { KeyReference } from '../protocol/key-reference.ts';
import type { SignerPolicy } from '../protocol/signer/policy.ts';
import type { EnrolledAgent, SignerExposure } from '../protocol/signer/management.ts';
import type { HttpAnswer } from './rpc-error.ts';

/** An HTTP request of an agent, as the Worker received it. Headers: only those that its signature covers or consists of. */
export type AgentRequest = {
  readonly method: string;
  /** Built from the configured origin, never from the Host header. */
  readonly targetUri: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array<ArrayBuffer>;
};

/** The owner's signature over a command. The Worker has verified it. */
export type OwnerIntent = {
  /** The signed fields, for the log. */
  readonly fields: { readonly [field: string]: Json };
  readonly signature: Hex;
  readonly digest: Hex;
  /** Until then the intent would be accepted, so the object remembers it. */
  readonly until: Seconds;
};

/** A public key that authenticates an agent, and the wallet key of the agent; without `key`, the next child of the fleet seed. */
export type Enrolment = {
  readonly keyId: string;
  /** The Ed25519 public key, base64url. */
  readonly x: string;
  readonly label?: string;
  readonly key?: KeyReference;
};

/** A command of an owner. Agents are named by the id of their key. */
export type KeyringCommand =
  | { readonly kind: 'enrol'; readonly agents: readonly Enrolment[]; readonly policy: SignerPolicy }
  | { readonly kind: 'policy'; readonly agents: readonly string[]; readonly policy: SignerPolicy }
  | {
      readonly kind: 'revoke';
      readonly agents: 'all' | readonly string[];
      readonly reason?: string;
    }
  | {
      readonly kind: 'rotate';
      readonly agent: string;
      readonly keyId: string;
      readonly x: string;
      readonly overlap: Seconds;
    }
  | { readonly kind: 'seed' }
  | { readonly kind: 'backup'; readonly recipient: string };

/** Why a command changed nothing. */
export type CommandFault =
  | { readonly reason: 'already_used' }
  | { readonly reason: 'storage_unavailable' }
  | {
      readonly reason: 'misconfigured';
      readonly faults: readonly { readonly name: string; readonly reason: string }[];
    }
  | { readonly reason: 'malformed_request'; readonly field: string; readonly hint: string };

/** The change that a command made. */
export type CommandChange = {
  readonly verdict: 'done';
  readonly changed: boolean;
  /** The seq of its last entry. */
  readonly entry?: number;
  readonly agents?: readonly EnrolledAgent[];
  readonly fleet?: { readonly fleet: number; readonly children: number };
  readonly backup?: string;
};
export type CommandAnswer =
  | CommandChange
  | { readonly verdict: 'refused'; readonly fault: CommandFault };

/** An agent with its policy and counters, for its owner. */
export type ListedAgent = EnrolledAgent & {
  /** The cursor of its page. */
  readonly number: number;
  readonly policy: { readonly [field: string]: unknown };
  readonly spent: {
    readonly windows: readonly {
      readonly every: string;
      readonly limit: string;
      readonly spent: string;
      readonly resets_at: Seconds;
    }[];
    readonly lifetime: string;
  };
  readonly exposure: SignerExposure;
};

/** Entries that the object still stores, after a seq. `exported`: D1 has every entry up to it. */
export type StoredEntries = { readonly entries: readonly LoggedEntry[]; readonly exported: number };

/** The RPC of the Keyring object. One object an owner, named by the owner's CAIP-10 account. */
export type KeyringRpc = {
  /** Answers an agent. A request whose signature does not verify writes nothing (law 12). */
  answer(request: AgentRequest): Promise<HttpAnswer>;
  /** Carries out a command of the owner, once by its intent. */
  command(command: KeyringCommand, intent: OwnerIntent): Promise<CommandAnswer>;
  agents(after: number, limit: number): Promise<readonly ListedAgent[]>;
  entries(after: number, limit: number): Promise<StoredEntries>;
  /** The audit consumer has stored every entry up to `seq`. */
  exported(seq: number): Promise<{ readonly verdict: 'ok' | 'unavailable' }>;
};
