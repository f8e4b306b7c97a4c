import { hashDelegation, signDelegation, signRevocation } from '../../client/delegation.ts';
import type { Signer } from '../../client/signer.ts';
import { type Hex, random32 } from '../../core/hex.ts';
import type { PolicyDocument } from '../../management/policy.route.ts';
import { accountId, type AccountId, signedAsset } from '../../protocol/account-id.ts';
import { parseMoney } from '../../protocol/amount.ts';
import type { AgentDelegation } from '../../protocol/intent/agent-delegation.ts';
import { type AdminClient, type GatewayNetwork, warnIfStopped } from '../lib/admin-client.ts';
import { cliErrorOf, isRefusal } from '../lib/errors.ts';
import { deletePolicy, readPolicy, writePolicy } from '../lib/policy.ts';
import { sendDocument } from '../lib/signed-document.ts';
import { type Journal, removeJournal, writeJournal } from './journal.ts';
import { type OldGrant, policyAfter, policyDuring, successorOf, windowsEnd } from './plan.ts';
import { type Snapshot, snapshotOf } from './snapshot.ts';
import { remainingOf, usedOfOwn } from './used.ts';

/** The owner's client, the network of the agent, and the key that takes over. */
export type Rotation = {
  readonly admin: AdminClient;
  readonly network: GatewayNetwork;
  /** Opens the new key, which consents to its grants. */
  readonly successor: () => Promise<Signer>;
  /** Prints each step for the owner. */
  readonly tell: (text: string) => void;
};

const accountOf = ({ network: { network } }: Rotation, address: Hex): AccountId =>
  accountId(network, address);

/**
 * The most that the old key can still spend: the lifetime limit in its owner's policy, which starts now and counts spend under all of its
 * grants. A policy that has a lifetime limit keeps the lower one.
 */
export const capOf = (
  { standing }: Snapshot,
  before: PolicyDocument | undefined,
  allowance: bigint,
): bigint => {
  const cap = usedOfOwn(standing, 'lifetime') + allowance;
  const present = before?.lifetime === undefined ? undefined : parseMoney(String(before.lifetime));
  return present !== undefined && present < cap ? present : cap;
};

/** The successors of the grants and the policy beside them, read while the cap of the old key is in force. */
export const planned = (
  { grants, standing }: Pick<Snapshot, 'grants' | 'standing'>,
  { network: { network } }: Pick<Rotation, 'network'>,
  { cap, before, new: successor }: Pick<Journal, 'cap' | 'before' | 'new'>,
  now: number,
): Pick<Journal, 'grants' | 'during'> => {
  const reservedOf = ({ delegation }: OldGrant): bigint =>
    remainingOf(standing, signedAsset(network, delegation.asset), cap);
  const reserved = grants.map(reservedOf).reduce((most, each) => (each > most ? each : most), 0n);
  const policy = before ?? undefined;
  const during = policyDuring(policy, grants, reserved, (name) => usedOfOwn(standing, name));
  return {
    grants: grants.map((grant) => ({
      old: grant.hash,
      id: grant.delegation.id,
      successor:
        successorOf(grant, reservedOf(grant), {
          ...{ delegate: successor.address, id: random32(), epoch: BigInt(now) },
        }) ?? null,
    })),
    during: during ?? null,
  };
};

/**
 * Carries out the due steps of a rotation, and records each one before it is taken. Returns the state of the rotation; undefined if it has
 * ended.
 */
export const advance = async (
  rotation: Rotation,
  journal: Journal,
  endsNow: boolean,
): Promise<Journal | undefined> => {
  const { admin } = rotation;
  const { session } = admin;
  let state = journal;
  const step = async (changes: Partial<Journal>): Promise<void> => {
    state = { ...state, ...changes };
    await writeJournal(session, state);
  };
  if (state.step === 'planned') {
    await capOldKey(rotation, state);
    // Read after the cap is in force: everything that the old key spends from here on is within the amount that the plan reserves for it.
    const snapshot = await snapshotOf(
      admin,
      accountOf(rotation, state.old.address),
      rotation.network,
    );
    await step({ ...planned(snapshot, rotation, state, session.now()), step: 'issuing' });
  }
  if (state.step === 'issuing') {
    await issueSuccessors(rotation, state);
    await step({ step: 'overlap' });
  }
  if (state.step === 'overlap' && (endsNow || session.now() >= state.overlap_until)) {
    await revokeOldGrants(rotation, state);
    const during = state.during ?? undefined;
    await step({ step: 'revoked', lift_at: windowsEnd(during, session.now()) });
  }
  if (state.step !== 'revoked' || session.now() < state.lift_at) return state;
  await liftWindows(rotation, state);
  await removeJournal(session, state);
  return undefined;
};

const capOldKey = async (rotation: Rotation, { old, cap, before }: Journal): Promise<void> => {
  const slot = { admin: rotation.admin, account: accountOf(rotation, old.address) };
  const { etag } = await readPolicy(slot);
  const document = { ...before, lifetime: `${cap}u` as const };
  await writePolicy(slot, { document, expected: etag, dryRun: false });
  rotation.tell(`capped   ${old.name}`);
};

const issueSuccessors = async (
  rotation: Rotation,
  { new: successor, grants, during }: Journal,
): Promise<void> => {
  const { admin, network, tell } = rotation;
  const signer = await rotation.successor();
  warnIfStopped(admin);
  for (const { successor: delegation } of grants) {
    if (delegation === null) continue;
    await registerGrant(admin, network, delegation, signer);
    tell(`granted  ${successor.name}`);
  }
  // The account exists now. The new key has not been used yet, so the lowered windows apply from its first call.
  if (during !== null && grants.some((grant) => grant.successor !== null)) {
    const slot = { admin, account: accountOf(rotation, successor.address) };
    const { etag } = await readPolicy(slot);
    await writePolicy(slot, { document: during, expected: etag, dryRun: false });
  }
};

/**
 * Registers a grant with the consent of its holder. After an interruption the same grant may be registered already: then the gateway
 * answers with its hash, and the step is done.
 */
export const registerGrant = async (
  admin: AdminClient,
  { chainId, network }: GatewayNetwork,
  delegation: AgentDelegation,
  holder: Signer,
): Promise<void> => {
  const body = await signDelegation(admin.signer, chainId, delegation);
  try {
    const document = { method: 'PUT', path: '/delegations', body } as const;
    await sendDocument(admin, document, { signer: holder, network });
  } catch (thrown) {
    const isSame =
      isRefusal(thrown, 'already_registered') &&
      cliErrorOf(thrown).details['grant'] === hashDelegation(chainId, delegation);
    if (!isSame) throw thrown;
  }
};

const revokeOldGrants = async (rotation: Rotation, { old, grants }: Journal): Promise<void> => {
  const { admin, network, tell } = rotation;
  warnIfStopped(admin);
  for (const { id } of grants) {
    const revocation = {
      ...{ issuer: admin.self, id, epoch: 0n },
      issuedAt: BigInt(admin.session.now()),
    };
    const body = await signRevocation(admin.signer, network.chainId, revocation);
    await sendDocument(admin, { method: 'POST', path: '/revocations', body });
  }
  tell(`revoked  ${old.name}`);
};

const liftWindows = async (
  rotation: Rotation,
  { new: successor, before, during }: Journal,
): Promise<void> => {
  if (during === null) return;
  const slot = { admin: rotation.admin, account: accountOf(rotation, successor.address) };
  const { etag } = await readPolicy(slot);
  if (etag === undefined) return;
  const document = policyAfter(before ?? undefined, during);
  try {
    if (document === undefined) await deletePolicy(slot, etag);
    else await writePolicy(slot, { document, expected: etag, dryRun: false });
  } catch (thrown) {
    // The policy has changed meanwhile: keep the owner's newer version.
    if (!isRefusal(thrown, 'precondition_failed')) throw thrown;
  }
  rotation.tell(`lifted   ${successor.name}`);
};
