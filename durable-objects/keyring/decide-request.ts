import type { Seconds } from '../../src/core/clock.ts';
import type { Address, Hex } from '../../src/core/hex.ts';
import { chainIdOf, parseAccountId } from '../../src/protocol/account-id.ts';
import type { NewEntryOf, PartOf } from '../../src/protocol/log/new-entry.ts';
import { judge, type Refusal } from '../../src/signer/judge.ts';
import type { RpcFault } from '../../src/signer/rpc-error.ts';
import type { SigningRequest } from '../../src/signer/signing-request.ts';
import type { TypedDataFault } from '../../src/signer/typed-data-fault.ts';
import { put, type Write } from '../store/noun.ts';
import { AGENT, type Agent, findAgent, policyOf, type WalletKey } from './agent.ts';
import { foreignFields, requestFields } from './evidence.ts';
import { BURNT, type KeptSlot, SLOT } from './slot.ts';
import { type Context, type Decision, enter, type KeyringState, unstored } from './state.ts';

/** A request whose HTTP signature verified. */
export type Authentic = { readonly keyId: string; readonly nonce: string; readonly until: Seconds };

/** The method and typed data of the request. */
export type Question =
  | { readonly ask: 'accounts' }
  | { readonly ask: 'sign'; readonly request: SigningRequest }
  /** The signer never signs this, whatever the policy allows. */
  | {
      readonly ask: 'foreign';
      readonly method: string;
      readonly params: readonly unknown[];
      readonly fault: TypedDataFault | 'method';
    };

/** `sign`: everything is stored, so the key may be used now. `signature`: a stored signature of a key service. */
export type RequestVerdict =
  | { readonly verdict: 'accounts'; readonly address: Address }
  | {
      readonly verdict: 'sign';
      readonly agent: number;
      readonly key: WalletKey;
      readonly address: Address;
      readonly spend: Hex;
      readonly digest: Hex;
      readonly signature?: Hex;
    }
  | { readonly verdict: 'refused'; readonly fault: RpcFault };

const refused = (fault: RpcFault): RequestVerdict => ({ verdict: 'refused', fault });

/**
 * Decides a request of an agent: burns its nonce, judges it, counts its money and writes its entry, in one transaction before the key is
 * touched (law 2).
 *
 * Race: the key may have been revoked, and the nonce used, while the signature was being verified. Both are read again here.
 */
export const decideRequest = (
  state: KeyringState,
  { keyId, nonce, until }: Authentic,
  question: Question,
  { read, now }: Context,
): Decision<RequestVerdict> => {
  const found = findAgent(read, keyId, now);
  if (found === undefined) {
    return unstored(
      state,
      refused({ error: 'unauthenticated', fault: 'unknown_key', field: 'keyid' }),
    );
  }
  const id = `${keyId}.${nonce}`;
  if (read.get(BURNT, id) !== undefined) {
    return unstored(state, refused({ error: 'replayed', field: 'nonce' }));
  }
  const burn = put(BURNT, { id, until });
  const { agent } = found;
  const refuse = (
    fault: RpcFault,
    body: Omit<NewEntryOf<'signer.refused'>, 'at' | 'type'>,
  ): Decision<RequestVerdict> => {
    const named = { agent: keyId, address: agent.address };
    const outcome = { ...named, nonce, ...body.outcome };
    const entered = enter(state, now, {
      ...{ type: 'signer.refused', decision: fault.error, policy: agent.policy },
      ...body,
      outcome,
    });
    return {
      state: entered.state,
      writes: [burn],
      entries: [entered.entry],
      verdict: refused(fault),
    };
  };
  switch (question.ask) {
    case 'accounts':
      return {
        ...unstored(state, { verdict: 'accounts', address: agent.address }),
        writes: [burn],
      };
    case 'foreign': {
      const fault = foreignFault(question.fault);
      const { method, params } = question;
      const rule = fault.rule ?? fault.error.replaceAll('-', '_');
      return refuse(fault, { rule, outcome: foreignFields(method, params) });
    }
    case 'sign':
      return decideSigning(state, agent, question.request, { read, now }, burn, refuse, nonce);
  }
};

const decideSigning = (
  state: KeyringState,
  agent: Agent,
  request: SigningRequest,
  { read, now }: Context,
  burn: Write,
  refuse: (
    fault: RpcFault,
    body: Omit<NewEntryOf<'signer.refused'>, 'at' | 'type'>,
  ) => Decision<RequestVerdict>,
  nonce: string,
): Decision<RequestVerdict> => {
  const { spend, digest, intent } = request;
  const { address, spending, key, number } = agent;
  const about = { call: spend, tool: intent.tool, outcome: requestFields(request) };
  if (agent.status === 'disabled') {
    return refuse({ error: 'key-refused', fault: 'mismatch' }, { ...about, rule: 'disabled' });
  }
  const policy = policyOf(read, agent);
  const kept = read.get(SLOT, spend);
  const chainId = chainIdOf(parseAccountId(state.owner)?.network ?? '') ?? 0;
  const judged = judge({ address, chainId, policy, spending, slot: kept }, request, now);
  if (judged.verdict === 'refuse') {
    return refuse(refusalFault(judged), {
      ...about,
      rule: judged.rule,
      amounts: amountsOf(request, judged),
    });
  }
  const verdict: RequestVerdict = {
    ...{ verdict: 'sign', agent: number, key, address, spend, digest },
    ...(kept?.signatures?.[digest] === undefined ? {} : { signature: kept.signatures[digest] }),
  };
  // The request was decided and logged before; only the nonce is new.
  if (judged.verdict === 'repeat') return { ...unstored(state, verdict), writes: [burn] };
  const entered = enter(state, now, {
    ...{
      type: 'signer.signed',
      decision: 'sign',
      policy: agent.policy,
      call: spend,
      tool: intent.tool,
    },
    amounts: {
      amount: (kept === undefined ? judged.slot.amount : 0n).toString(),
      lifetime: judged.spending.lifetime.toString(),
    },
    outcome: { agent: agent.keyId, address, nonce, ...requestFields(request) },
  });
  const slot: KeptSlot = { ...kept, ...judged.slot };
  return {
    state: entered.state,
    writes: [burn, put(SLOT, slot), put(AGENT, { ...agent, spending: judged.spending })],
    entries: [entered.entry],
    verdict,
  };
};

const foreignFault = (fault: TypedDataFault | 'method'): RpcFault => {
  if (fault === 'method') return { error: 'unsupported-method', field: 'method' };
  return fault.fault === 'unsupported'
    ? { error: 'unsupported-data', rule: fault.rule, field: 'params[1]', detail: fault.hint }
    : { error: 'malformed-params', field: fault.field, detail: `${fault.field} ${fault.hint}.` };
};

const refusalFault = ({ rule, field, limit, retryAfter }: Refusal): RpcFault => ({
  error:
    rule === 'approval' ? 'approval-required' : rule === 'already_paid' ? 'already-paid' : 'denied',
  rule,
  ...(field === undefined ? {} : { field }),
  ...(limit === undefined
    ? {}
    : {
        limit: {
          rule: limit.rule,
          limit: limit.limit.toString(),
          spent: limit.spent.toString(),
          remaining: (limit.limit > limit.spent ? limit.limit - limit.spent : 0n).toString(),
          ...(limit.resetsAt === undefined ? {} : { resets_at: limit.resetsAt }),
        },
      }),
  ...(retryAfter === undefined ? {} : { retryAfter }),
});

const amountsOf = (
  { intent }: SigningRequest,
  { limit }: Refusal,
): PartOf<'signer.refused', 'amounts'> => ({
  amount: intent.maxAmount.toString(),
  ...(limit === undefined ? {} : { limit: limit.limit.toString(), spent: limit.spent.toString() }),
});

/** Stores the signature of a key service, for repeats of the same typed data. */
export const keepSignature = (
  state: KeyringState,
  spend: Hex,
  digest: Hex,
  signature: Hex,
  { read }: Context,
): Decision<Hex> => {
  const slot = read.get(SLOT, spend);
  // Race: two repeats asked the service at once. Both answer with the signature that was stored first.
  const known = slot?.signatures?.[digest];
  if (slot === undefined || known !== undefined) return unstored(state, known ?? signature);
  const signatures = { ...slot.signatures, [digest]: signature };
  return { state, writes: [put(SLOT, { ...slot, signatures })], entries: [], verdict: signature };
};

/** Records that a key service did not sign. The slot stays reserved: the repeat of the same typed data fills it. */
export const recordFailure = (
  state: KeyringState,
  number: number,
  spend: Hex,
  fault: string,
  disables: boolean,
  { read, now }: Context,
): Decision<true> => {
  const agent = read.get(AGENT, number);
  if (agent === undefined) return unstored(state, true);
  const entered = enter(state, now, {
    ...{ type: 'signer.failed', call: spend, rule: fault },
    outcome: { agent: agent.keyId, address: agent.address, disabled: disables },
  });
  const writes =
    disables && agent.status === 'active'
      ? [put(AGENT, { ...agent, status: 'disabled' as const })]
      : [];
  return { state: entered.state, writes, entries: [entered.entry], verdict: true };
};
