import { random32, ZERO_HASH } from '../../core/hex.ts';
import { checksummed } from '../../crypto/address.ts';
import type { PolicyDocument } from '../../management/policy.route.ts';
import { type AccountId, parseAccountId } from '../../protocol/account-id.ts';
import { fiatOf, USD } from '../../protocol/fiat-asset.ts';
import type { AgentDelegation } from '../../protocol/intent/agent-delegation.ts';
import { type Names, namesOf } from '../lib/accounts.ts';
import { type AdminClient, collected, networkOf, openAdmin } from '../lib/admin-client.ts';
import { CliError, isRefusal, usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import { deletePolicy, type PolicySlot, readPolicy, writePolicy } from '../lib/policy.ts';
import { sentence } from '../lib/print.ts';
import type { Session } from '../lib/session.ts';
import { counted } from '../lib/text.ts';
import { dollars, inAsset, isoTime } from '../lib/units.ts';
import { registerGrant } from './agent.ts';
import { keyNamed } from './keys.ts';
import { policyDuring, successorOf, windowsEnd } from './plan.ts';
import { type Snapshot, snapshotOf } from './snapshot.ts';
import { usedOfOwn } from './used.ts';

/** How an agent moved, or why it stays. */
type Moved = {
  readonly account: AccountId;
  readonly status: 'moved' | 'moves' | 'spent' | 'key_elsewhere' | 'has_children';
  /** The totals of its grants in the token of its network. */
  readonly total?: bigint;
  /** The totals of its grants in dollars, which a card pays. Absent if it has none. */
  readonly card_total?: bigint;
  /** When the lowered windows of its new policy may be lifted. */
  readonly lift_at?: number;
};

/**
 * Moves the agents of an owner to a new key of the owner: its grants, with what remains of them, and its policy. An agent's consent to a
 * grant of another owner ends the grants and the policy of the old one in one step. A second run skips agents that have moved, and
 * continues with the rest.
 *
 * @throws CliError
 */
export const rotateOwner = async (session: Session, input: Input): Promise<void> => {
  const to = input.text('to');
  const successor = to === undefined ? undefined : await keyNamed(session, to);
  if (successor === undefined || input.arguments[1] !== undefined) {
    throw usageError(
      'The command needs the new key, and signs with the old one.',
      'Make one with `countersign keys new treasury2`, send it some USDC, then `countersign keys rotate owner --as treasury --to treasury2`.',
    );
  }
  const admin = await openAdmin(session, 'owner');
  if (successor.address === admin.self)
    throw usageError('The new key is the key that signs.', 'Sign with the old key: --as <old>.');
  const next = await openAdmin(signingAs(session, await successor.open()), 'owner');
  const tree = admin.list('account.tree', { params: { account: await admin.own() } });
  const live = (await collected(admin, tree)).filter(({ status }) => status === 'active');
  const agents: Moved[] = [];
  for (const account of new Set(live.map((item) => item.account))) {
    const moved = await moveAgent(admin, next, account, input.flag('dryRun'));
    if (moved !== undefined) agents.push(moved);
  }
  const names = await namesOf(session);
  const stay = agents.filter(({ status }) => status !== 'moved' && status !== 'moves').length;
  const { out } = session;
  const document = { old: checksummed(admin.self), new: checksummed(successor.address), agents };
  out.result(document, () =>
    [
      ...agents.map((each) => sentence(out, lineOf(each, names))),
      sentence(
        out,
        stay > 0
          ? `${counted(stay, 'agent')} of the old key do not move: do what their lines say.`
          : 'No other agent is left to the old key. Its credit stays until an operator moves it: `countersign credits adjust`. `countersign revoke --all` with the old key ends what it offered.',
      ),
    ].join('\n'),
  );
};

/** The same session with another key that signs. */
const signingAs = (session: Session, signer: AdminClient['signer']): Session => ({
  ...session,
  profile: { ...session.profile, signer: async () => signer },
});

/** Undefined for an agent that has already moved: the old owner's list still names the agent, but the old owner may no longer read it. */
const moveAgent = async (
  admin: AdminClient,
  next: AdminClient,
  account: AccountId,
  dryRun: boolean,
): Promise<Moved | undefined> => {
  const { session } = admin;
  const network = await networkOf(admin, account);
  const first = await snapshotOf(admin, account, network).catch((thrown: unknown) => {
    if (isRefusal(thrown, 'unknown_account')) return undefined;
    throw thrown;
  });
  const address = parseAccountId(account)?.address;
  if (first === undefined || address === undefined) return undefined;
  const agent = await session.profile.holder(address);
  if (agent === undefined) return { account, status: 'key_elsewhere' };
  const below = await collected(admin, admin.list('account.tree', { params: { account } }));
  if (below.some(({ status }) => status === 'active' || status === 'offered'))
    return { account, status: 'has_children' };
  const successorsIn = ({ grants }: Snapshot): readonly AgentDelegation[] =>
    grants.flatMap((grant) => {
      const terms = { delegate: address, id: random32(), epoch: BigInt(session.now()) };
      const successor = successorOf(grant, 0n, terms);
      return successor === undefined
        ? []
        : [{ ...successor, issuer: next.self, parent: ZERO_HASH }];
    });
  const expected = successorsIn(first);
  if (expected.length === 0) return { account, status: 'spent' };
  if (dryRun) return { account, status: 'moves', ...totalsOf(expected) };
  const holder = await agent.open();
  const slot = { admin, account };
  const { document: before } = await readPolicy(slot);
  if (before?.perCall !== undefined && isZero(before.perCall)) throw braked(agent.name);
  await brake(slot, before);
  let registered = 0;
  try {
    const snapshot = await snapshotOf(admin, account, network);
    const successors = successorsIn(snapshot);
    for (const successor of successors) {
      await whenLeasesEnd(session, async () => registerGrant(next, network, successor, holder));
      registered += 1;
    }
    const used = (name: string): bigint => usedOfOwn(snapshot.standing, name);
    const during = policyDuring(before, snapshot.grants, 0n, used);
    if (during !== undefined) {
      const target = { admin: next, account };
      const { etag } = await readPolicy(target);
      await writePolicy(target, { document: during, expected: etag, dryRun: false });
    }
    const lift = during === undefined ? {} : { lift_at: windowsEnd(during, session.now()) };
    return { account, status: 'moved', ...totalsOf(successors), ...lift };
  } catch (thrown) {
    if (registered > 0) throw halfMoved(agent.name, thrown);
    await release(slot, before);
    throw thrown;
  }
};

const NOTHING = '$0.00';
const isZero = (amount: unknown): boolean => amount === NOTHING || amount === '0u';

/**
 * Denies every paid call of the agent by a cap of zero, so that its counters do not change while the command reads them. A pause would do
 * the same, but a paused agent may not move to another owner.
 */
const brake = async (slot: PolicySlot, before: PolicyDocument | undefined): Promise<void> => {
  const { etag } = await readPolicy(slot);
  slot.admin.session.ifStopped(
    'The agent is denied every paid call until its owner sets its policy again: `countersign policy set <agent> --per-call none`, or its earlier limit.',
  );
  const document = { ...before, perCall: NOTHING };
  await writePolicy(slot, { document, expected: etag, dryRun: false });
};

/** Undoes `brake` after a failure; once the agent has moved, the old owner's policy no longer applies and nothing must be undone. */
const release = async (slot: PolicySlot, before: PolicyDocument | undefined): Promise<void> => {
  try {
    const { etag, document } = await readPolicy(slot);
    if (etag === undefined || !isZero(document?.perCall)) return;
    if (before === undefined) await deletePolicy(slot, etag);
    else await writePolicy(slot, { document: before, expected: etag, dryRun: false });
  } catch (thrown) {
    if (!isRefusal(thrown, 'unknown_account')) throw thrown;
  }
};

/** Milliseconds to wait for leases to end: each ends within 60 s, and an alarm then returns its unused amount. */
const LEASES_END = 150_000;
const PAUSE = 3_000;

/** Repeats a registration while the agent still holds leases of the old owner, which it returns within about a minute. */
const whenLeasesEnd = async (
  { progress, signal }: Session,
  register: () => Promise<void>,
): Promise<void> => {
  const until = Date.now() + LEASES_END;
  for (;;) {
    try {
      await register();
      return;
    } catch (thrown) {
      if (!isRefusal(thrown, 'holds_leases') || Date.now() > until) throw thrown;
    }
    signal.throwIfAborted();
    await progress.during('waiting for the leases of the agent to end', async () => {
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    });
  }
};

/** The totals of grants, one for each asset, because amounts of two assets have no sum. */
export const totalsOf = (
  grants: readonly Pick<AgentDelegation, 'asset' | 'maxTotal'>[],
): Pick<Moved, 'total' | 'card_total'> => {
  const isCard = ({ asset }: Pick<AgentDelegation, 'asset'>): boolean =>
    fiatOf(asset) !== undefined;
  const sum = (some: readonly Pick<AgentDelegation, 'maxTotal'>[]): bigint =>
    some.reduce((total, { maxTotal }) => total + maxTotal, 0n);
  return {
    total: sum(grants.filter((grant) => !isCard(grant))),
    ...(grants.some(isCard) ? { card_total: sum(grants.filter(isCard)) } : {}),
  };
};

const lineOf = (
  { account, status, total, card_total: byCard, lift_at: liftAt }: Moved,
  names: Names,
): string => {
  const name = names.of(account);
  const totals = `${dollars(total)}${byCard === undefined ? '' : ` and ${inAsset(byCard, USD)}`}`;
  switch (status) {
    case 'moved':
    case 'moves':
      return liftAt === undefined
        ? `${status}  ${name} with ${totals}`
        : `${status}  ${name} with ${totals}. Its policy is lowered by what it has spent in running windows: set it as you like after ${isoTime(liftAt)}, with \`countersign policy set\` or \`policy delete\`.`;
    case 'spent':
      return `stays  ${name}: nothing remains of its grants.`;
    case 'key_elsewhere':
      return `stays  ${name}: its key is not on this machine. Sign it a grant with \`countersign grant\` and the new key; it consents with its next call.`;
    case 'has_children':
      return `stays  ${name}: it has granted to others, and those grants would end. Revoke them first.`;
  }
};

/** The first grant has moved the agent, so the next run would skip it. */
const halfMoved = (name: string, cause: unknown): CliError =>
  new CliError(`${name} has moved, but not with all of its grants and its policy.`, {
    hint: `Look at it with \`countersign accounts show ${name}\`, and sign what is missing with the new key: \`countersign grant\`, \`countersign policy set\`.`,
    code: 'rotation_incomplete',
    cause,
  });

const braked = (name: string): CliError =>
  new CliError(`The policy of ${name} allows no price: an interrupted run may have left it so.`, {
    hint: `Set it as it was, e.g. \`countersign policy set ${name} --per-call none\`, and run the command again.`,
    code: 'rotation_open',
  });
