import { retryable } from 'cloudflare:durable-objects';
import { DurableObject } from 'cloudflare:workers';
import { nowSeconds, SYSTEM_CLOCK } from '../src/core/clock.ts';
import { decodeBase64Url } from '../src/crypto/bytes.ts';
import { admit } from '../src/policy/rules/rate.ts';
import type { AccountId } from '../src/protocol/account-id.ts';
import { verifySignature } from '../src/protocol/http-signature.ts';
import type {
  AgentRequest,
  CommandAnswer,
  CommandFault,
  KeyringCommand,
  KeyringRpc,
  ListedAgent,
  OwnerIntent,
  StoredEntries,
} from '../src/signer/keyring-contract.ts';
import { openKeyBackend } from '../src/signer/backends/key-backend.ts';
import type { SignerEnv } from '../src/signer/env.ts';
import { type HttpAnswer, rpcError, rpcResult } from '../src/signer/rpc-error.ts';
import { findAgent } from './keyring/agent.ts';
import {
  type Authentic,
  decideRequest,
  keepSignature,
  recordFailure,
  type RequestVerdict,
} from './keyring/decide-request.ts';
import { acknowledge, sendEntries, storedEntries } from './keyring/exports.ts';
import { type Keys, openKeys } from './keyring/keys.ts';
import { listAgents } from './keyring/listed-agent.ts';
import { questionOf, readRpc } from './keyring/read-request.ts';
import { type Ledger, openLedger, unstored } from './keyring/state.ts';

/** Requests of one agent: a burst of 120, then two a second. Kept in memory: it limits how fast a stolen key can fill the log. */
const RATE = { limit: 120, seconds: 60 } as const;

type ToSign = Extract<RequestVerdict, { readonly verdict: 'sign' }>;

/**
 * The keys of one owner's agents: what they may sign, and the chain of entries about it. One object an owner, named by its CAIP-10 account.
 * Every method that changes something is one serialised decision (law 2).
 */
export class Keyring extends DurableObject<SignerEnv> implements KeyringRpc {
  static {
    // Commands are idempotent by their intent; the rest only reads. A repeated `answer` would find its nonce used.
    retryable(
      this.prototype.command,
      this.prototype.agents,
      this.prototype.entries,
      this.prototype.exported,
    );
  }

  readonly #owner: AccountId;
  readonly #ledger: Ledger;
  readonly #keys: Keys;
  readonly #arrivals = new Map<string, number>();

  constructor(context: DurableObjectState, env: SignerEnv) {
    super(context, env);
    this.#owner = (context.id.name ?? '') as AccountId;
    this.#ledger = openLedger(this.#owner, context.storage);
    this.#keys = openKeys(this.#owner, env, () => openKeyBackend(env, SYSTEM_CLOCK));
  }

  async answer(request: AgentRequest): Promise<HttpAnswer> {
    const now = nowSeconds();
    const verified = await verifySignature(
      { ...request, headers: new Headers(request.headers.map(([name, value]) => [name, value])) },
      { keyOf: (keyId) => this.#publicKey(keyId), now },
    );
    if (!verified.ok) {
      const { kind, field, detail } = verified.error;
      return rpcError(null, { error: 'unauthenticated', fault: kind, field, detail });
    }
    const wait = this.#waitOf(verified.value.keyId);
    if (wait !== undefined) return rpcError(null, { error: 'too-many-requests', retryAfter: wait });
    const rpc = readRpc(request.body);
    if (!rpc.ok) return rpcError(null, rpc.error);
    const { id } = rpc.value;
    const question = questionOf(rpc.value);
    const verdict = await this.#ledger.submit<RequestVerdict>(
      (state, context) =>
        decideRequest(state, verified.value satisfies Authentic, question, context),
      { verdict: 'refused', fault: { error: 'storage-unavailable', retryAfter: 1 } },
    );
    switch (verdict.verdict) {
      case 'refused':
        return rpcError(id, verdict.fault);
      case 'accounts':
        return rpcResult(id, [verdict.address]);
      case 'sign':
        return this.#sign(id, verdict);
    }
  }

  async command(command: KeyringCommand, intent: OwnerIntent): Promise<CommandAnswer> {
    // Loaded on first use: an object that only signs needs neither commands nor age.
    const { prepareCommand, decideCommand } = await import('./keyring/commands.ts');
    const state = await this.#state();
    if (state === undefined) return refused({ reason: 'storage_unavailable' });
    const change = await prepareCommand(state, command, this.#keys);
    if (!change.ok) return refused(change.error);
    return this.#ledger.submit<CommandAnswer>(
      (current, context) => decideCommand(current, intent, change.value, context),
      refused({ reason: 'storage_unavailable' }),
    );
  }

  async agents(after: number, limit: number): Promise<readonly ListedAgent[]> {
    return this.#ledger.submit<readonly ListedAgent[]>(
      (state, { read, now }) => unstored(state, listAgents(state.owner, read, after, limit, now)),
      [],
    );
  }

  async entries(after: number, limit: number): Promise<StoredEntries> {
    return this.#ledger.submit<StoredEntries>(
      (state, _, memory) =>
        unstored(state, storedEntries(memory, this.#ledger.disk(), after, limit)),
      { entries: [], exported: 0 },
    );
  }

  async exported(seq: number): Promise<{ readonly verdict: 'ok' | 'unavailable' }> {
    return acknowledge(this.#ledger, seq);
  }

  /** Sends entries that D1 does not have. Runs at least once, so it is idempotent. */
  override async alarm(): Promise<void> {
    await this.#state();
    await this.#ledger.rearm((memory) =>
      sendEntries(this.env.AUDIT_QUEUE, memory, this.#ledger.disk()),
    );
  }

  /**
   * Signs after the decision is stored. A crash in between leaves a reserved slot; the agent asks again with the same typed data and gets the
   * signature without spending anything.
   */
  async #sign(id: string | number, verdict: ToSign): Promise<HttpAnswer> {
    const { spend, digest, key, address, signature, agent } = verdict;
    if (signature !== undefined) return rpcResult(id, signature);
    const state = await this.#state();
    const signed = await this.#keys.sign(state?.seed, key, digest, address);
    if (signed.ok) {
      if ('child' in key) return rpcResult(id, signed.value);
      return rpcResult(
        id,
        await this.#ledger.submit(
          (current, context) => keepSignature(current, spend, digest, signed.value, context),
          signed.value,
        ),
      );
    }
    const { fault } = signed.error;
    console.error({ event: 'signer_key_failed', owner: this.#owner, address, fault });
    if (fault === 'misconfigured') return rpcError(id, { error: 'misconfigured' });
    const { disables, isTransient, retryAfter } = signed.error;
    await this.#ledger.submit<boolean>(
      (current, context) => recordFailure(current, agent, spend, fault, disables, context),
      false,
    );
    return rpcError(id, {
      error: isTransient ? 'key-unavailable' : 'key-refused',
      fault,
      ...(retryAfter === undefined ? {} : { retryAfter }),
    });
  }

  /** Reads the current state without storing anything. */
  async #state() {
    return this.#ledger.submit<Parameters<typeof unstored>[0] | undefined>(
      (state) => unstored(state, state),
      undefined,
    );
  }

  async #publicKey(keyId: string): Promise<CryptoKey | undefined> {
    const found = findAgent(this.#ledger.disk(), keyId, nowSeconds());
    const x = found === undefined ? undefined : decodeBase64Url(found.key.x);
    if (x?.length !== 32) return undefined;
    return crypto.subtle.importKey('raw', new Uint8Array(x), 'Ed25519', false, ['verify']);
  }

  /** Counts a request of an agent. @returns the seconds to wait if there were too many */
  #waitOf(keyId: string): number | undefined {
    const admission = admit(RATE, this.#arrivals.get(keyId) ?? 0, nowSeconds());
    if (!admission.admitted) return admission.retryAfter;
    // Only enrolled keys get here, so the map is as bounded as the number of agents.
    this.#arrivals.set(keyId, admission.arrival);
    return undefined;
  }
}

const refused = (fault: CommandFault): CommandAnswer => ({ verdict: 'refused', fault });
