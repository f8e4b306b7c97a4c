import { signRevocation } from '../../client/delegation.ts';
import { type AccountId, accountId } from '../../protocol/account-id.ts';
import { type Hex } from '../../core/hex.ts';
import { ZERO_HASH } from '../../core/hex.ts';
import type { Input } from '../lib/command.ts';
import { CliError, usageError } from '../lib/errors.ts';
import type { Session } from '../lib/session.ts';
import {
  collected,
  networkOf,
  type AdminClient,
  openAdmin,
  warnIfStopped,
} from '../lib/admin-client.ts';
import { changedText, heard } from '../lib/print.ts';
import { accountNamed, namesOf } from '../lib/account-names.ts';
import { counted } from '../lib/text.ts';
import { postDocument } from '../lib/signed-document.ts';

type Target = { readonly id: Hex; readonly account: AccountId | undefined };

/** `revoke`: takes grants back for ever: of an agent, one by its hash or id, or all. */
export const revoke = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const text = input.arguments[0];
  const all = input.flag('all');
  if (all === (text !== undefined)) {
    throw usageError('It takes an agent or a grant, or --all.', 'Name what is to be revoked.');
  }
  const admin = await openAdmin(session, 'owner');
  const own = await admin.own();
  const targets = text === undefined ? undefined : await targetsOf(admin, own, text);
  const { chainId } = await networkOf(admin, targets?.[0]?.account ?? own);
  const issuedAt = BigInt(session.now());
  const orders =
    targets === undefined
      ? [{ id: ZERO_HASH, epoch: issuedAt + 1n }]
      : targets.map(({ id }) => ({ id, epoch: 0n }));
  warnIfStopped(admin);
  const told: Heard = { changed: 0, acknowledged: new Set(), silent: new Set() };
  for (const { id, epoch } of orders) {
    const revocation = { issuer: admin.self, id, epoch, issuedAt };
    const body = await signRevocation(admin.signer, chainId, revocation);
    const answer = await postDocument(admin, { method: 'POST', path: '/revocations', body });
    if (answer['changed'] === true) told.changed += 1;
    for (const name of ['acknowledged', 'silent'] as const) {
      const accounts = answer[name];
      if (Array.isArray(accounts)) for (const each of accounts) told[name].add(String(each));
    }
  }
  const names = await namesOf(session);
  const heardBy = { acknowledged: [...told.acknowledged], silent: [...told.silent] };
  const what =
    targets === undefined
      ? 'every grant so far'
      : `${counted(targets.length, 'grant')}${targets[0]?.account === undefined ? '' : ` of ${names.of(targets[0].account)}`}`;
  out.result({ revoked: orders.map(({ id }) => id), changed: told.changed > 0, ...heardBy }, () =>
    [
      changedText(out, told.changed > 0, `${what} revoked for ever`),
      ...heard(out, heardBy, names),
    ].join('\n'),
  );
};

type Heard = { changed: number; readonly acknowledged: Set<string>; readonly silent: Set<string> };

/** The grants of an agent that this owner has made and that still live; or the one that is named. */
const targetsOf = async (
  admin: AdminClient,
  own: AccountId,
  text: string,
): Promise<readonly Target[]> => {
  const tree = admin.list('account.tree', { params: { account: own } });
  if (/^0x[0-9a-f]{64}$/i.test(text)) {
    const named = text.toLowerCase();
    const found = (await collected(admin, tree)).find(
      ({ grant, id }) => grant === named || id === named,
    );
    // What nobody has registered yet may be revoked as well, by its id.
    return [{ id: found?.id ?? (named as Hex), account: found?.account }];
  }
  const account = await accountNamed(admin, text);
  const items = (await collected(admin, tree)).filter((item) => item.account === account);
  const live = items.filter(({ status }) => status === 'active' || status === 'offered');
  if (live.length > 0) return live.map(({ id }) => ({ id, account }));
  throw new CliError(
    items.length === 0
      ? `${admin.self} has granted nothing to that account.`
      : 'All grants of that account are revoked or over.',
    {
      hint: '`countersign accounts tree` shows who hangs below whom. Only who has granted can revoke.',
      code: items.length === 0 ? 'unknown_grant' : 'already_revoked',
      details: {
        issuer: accountId((await networkOf(admin, account)).network, admin.self),
        account,
      },
    },
  );
};
