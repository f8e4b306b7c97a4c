import { addressOf } from '../../client/signer.ts';
import type { Address } from '../../core/hex.ts';
import { ZERO_ADDRESS } from '../../core/hex.ts';
import { checksummed } from '../../crypto/address.ts';
import { accountId } from '../../protocol/account-id.ts';
import { type AdminClient, collected, openAdmin, networkOf } from '../lib/admin-client.ts';
import { CliError, usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import { proseWidth, sentence } from '../lib/print.ts';
import type { Identity } from '../lib/profile.ts';
import { readPolicy } from '../lib/policy.ts';
import type { Session } from '../lib/session.ts';
import { fields } from '../lib/text.ts';
import { amountIn, dollars, durationIn, isoTime } from '../lib/units.ts';
import { advance, capOf, planned, type Rotation } from './agent.ts';
import { type Journal, readJournal, writeJournal } from './journal.ts';
import { keyNamed, makeKey, successorName } from './keys.ts';
import { allowanceOf, type OldGrant } from './plan.ts';
import { snapshotOf } from './snapshot.ts';

const DAY = '1d';

/** Begins the rotation of an agent's key, or continues it. @throws CliError */
export const rotateAgent = async (session: Session, input: Input): Promise<void> => {
  const name = input.arguments[1];
  if (name === undefined)
    throw usageError(
      'Which key?',
      'Give the agent, e.g. `countersign keys rotate agent team/alice`.',
    );
  const old = await session.profile.named(name);
  const admin = await openAdmin(session, 'owner');
  if (old.address === admin.self)
    throw usageError('That is the key that signs.', '`countersign keys rotate owner` rotates it.');
  const network = await networkOf(
    admin,
    accountId((await admin.networks())[0].network, old.address),
  );
  const found = await readJournal(session, old.address);
  const dryRun = input.flag('dryRun');
  if (found === undefined) {
    const target = successorName(old.name, input);
    const known = await keyNamed(session, target);
    const begun = await begin(admin, network, old, { name: target, known }, input);
    if (dryRun) {
      printPlan(session, begun);
      return;
    }
    const address = known?.address ?? (await makeKey(session, target));
    const { grants: _, ...journal } = begun;
    const first = { ...journal, grants: [], new: { name: target, address } };
    await writeJournal(session, first);
    await finish(admin, network, first, input);
    return;
  }
  if (found.gateway !== admin.gateway || found.owner !== admin.self) throw otherRotation(found);
  if (dryRun) {
    print(session, found);
    return;
  }
  await finish(admin, network, found, input);
};

type Network = Rotation['network'];
type Begun = Omit<Journal, 'grants'> & {
  readonly grants: readonly { readonly old: OldGrant; readonly maxTotal: bigint }[];
};

/** The plan of a rotation as of now. Changes nothing. @throws CliError if the account cannot be carried over */
const begin = async (
  admin: AdminClient,
  network: Network,
  old: Identity,
  successor: { readonly name: string; readonly known: Identity | undefined },
  input: Input,
): Promise<Begun> => {
  const { session } = admin;
  const account = accountId(network.network, old.address);
  const snapshot = await snapshotOf(admin, account, network);
  if (snapshot.grants.length === 0) throw nothingToCarry(old.name);
  if (snapshot.foreign.length > 0) {
    session.out.note(
      `${snapshot.foreign.length} grants of other issuers end with the old key: only those issuers can carry them over.`,
    );
  }
  const children = await collected(admin, admin.list('account.tree', { params: { account } }));
  if (children.some(({ status }) => status === 'active' || status === 'offered'))
    throw hasChildren(old.name);
  const { document } = await readPolicy({ admin, account });
  const given = input.text('allowance');
  const allowance =
    given === undefined ? allowanceOf(snapshot.grants) : amountIn(given, '--allowance');
  const overlap = durationIn(input.text('overlap') ?? DAY);
  if (overlap === undefined)
    throw usageError('--overlap takes a duration.', 'Give e.g. --overlap 1d or --overlap 2h.');
  const journal = {
    ...({ v: 1, gateway: admin.gateway, owner: admin.self, step: 'planned', allowance } as const),
    old: { name: old.name, address: old.address },
    new: { name: successor.name, address: successor.known?.address ?? ZERO_ADDRESS },
    overlap_until: session.now() + overlap,
    cap: capOf(snapshot, document, allowance),
    ...{ before: document ?? null, during: null, lift_at: 0 },
  };
  const plan = planned(snapshot, { network }, journal, session.now());
  const grants = snapshot.grants.map((each, at) => ({
    old: each,
    maxTotal: plan.grants[at]?.successor?.maxTotal ?? 0n,
  }));
  return { ...journal, grants };
};

const finish = async (
  admin: AdminClient,
  network: Network,
  journal: Journal,
  input: Input,
): Promise<void> => {
  const { session } = admin;
  const successor: Rotation['successor'] = async () => {
    const identity = await session.profile.holder(journal.new.address);
    if (identity === undefined) throw keyIsGone(journal.new.name, journal.new.address);
    const signer = await identity.open();
    if (addressOf(signer) !== journal.new.address) throw keyIsGone(identity.name, identity.address);
    return signer;
  };
  const tell = (text: string): void => session.out.note(text);
  const after = await advance({ admin, network, successor, tell }, journal, input.flag('finish'));
  print(session, after ?? { ...journal, step: 'done' });
};

type Shown = Omit<Journal, 'step'> & { readonly step: Journal['step'] | 'done' };

const print = ({ out }: Session, { step, ...journal }: Shown): void => {
  const { old, new: successor, overlap_until: until, lift_at: liftAt, allowance, grants } = journal;
  const next = step === 'overlap' ? until : step === 'revoked' ? liftAt : undefined;
  const document = {
    ...{ step, old: shown(old), new: shown(successor), allowance: allowance.toString() },
    grants: grants.map((grant) => ({ old: grant.old, maxTotal: grant.successor?.maxTotal ?? 0n })),
    ...(next === undefined ? {} : { next_at: next }),
  };
  out.result(document, () =>
    [
      `${out.style.good(step)}  ${out.style.bold(old.name)} → ${out.style.bold(successor.name)}  ${checksummed(successor.address)}`,
      sentence(out, nextStepOf(step, journal)),
    ].join('\n'),
  );
};

const shown = ({ name, address }: Journal['old']) => ({ name, address: checksummed(address) });

const nextStepOf = (
  step: Shown['step'],
  { old, new: successor, allowance, overlap_until: until, lift_at: liftAt }: Omit<Journal, 'step'>,
): string => {
  switch (step) {
    case 'planned':
    case 'issuing':
      return 'The rotation was interrupted: run the command again.';
    case 'overlap':
      return `Both keys work. ${old.name} may spend ${dollars(allowance)} more. Give the agent the new key, then run the command again after ${isoTime(until)}, or with --finish, to revoke the grants of the old one.`;
    case 'revoked':
      return `Only ${successor.name} works. Its windows are lowered by what ${old.name} has spent in them: run the command again after ${isoTime(liftAt)} to lift that.`;
    case 'done':
      return `Only ${successor.name} works. Money in the wallet and credit of ${old.name} stay there: move them by hand, as docs/keys.md says.`;
  }
};

const printPlan = ({ out }: Session, begun: Begun): void => {
  const { old, new: successor, overlap_until: until, allowance, grants } = begun;
  const carried = grants.map(({ old: { hash, delegation, used }, maxTotal }) => ({
    ...{ old: hash, total: delegation.maxTotal, spent: used.total, maxTotal },
  }));
  const document = {
    ...{ step: 'dry_run', old: shown(old), new: { name: successor.name } },
    ...{ allowance: allowance.toString(), overlap_until: until, grants: carried },
  };
  out.result(document, () =>
    [
      `${out.style.warn('dry run')}  ${old.name} → ${successor.name}; nothing changed`,
      fields(
        [
          ['both valid until', isoTime(until)],
          ['old key may spend', dollars(allowance)],
          ...grants.map(({ old: { delegation, used }, maxTotal }): [string, string] => [
            'total',
            `${dollars(delegation.maxTotal)}, spent ${dollars(used.total)}; the new grant has ${dollars(maxTotal)}`,
          ]),
        ],
        out.style.dim,
        proseWidth(out),
      ),
    ].join('\n'),
  );
};

const nothingToCarry = (name: string): CliError =>
  new CliError(`${name} has no live grant of the key that signs.`, {
    hint: 'Sign with the owner who granted: --as <owner>. An agent without a grant needs none of this: give it a new key.',
    code: 'unknown_grant',
  });

const hasChildren = (name: string): CliError =>
  new CliError(`${name} has granted to others, and those grants end with its own.`, {
    hint: `Revoke them first with \`countersign revoke --all --as ${name}\`, and grant anew with the new key afterwards.`,
    code: 'has_children',
  });

const otherRotation = ({ gateway, owner, new: successor }: Journal): CliError =>
  new CliError('This key is being rotated by another owner or at another gateway.', {
    hint: `Continue that rotation first: --gateway ${gateway}, signed by ${checksummed(owner)}, to ${successor.name}.`,
    code: 'rotation_open',
  });

const keyIsGone = (name: string, address: Address): CliError =>
  new CliError(`This machine no longer has the new key ${name}.`, {
    hint: `Put the key of ${checksummed(address)} back: \`countersign keys import\`, or restore the fleet's file.`,
    code: 'unknown_key',
  });
