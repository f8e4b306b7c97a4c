import { signRevocation } from '../client/delegation.ts';
import { type Hex, ZERO_HASH } from '../core/hex.ts';
import { accountId, type AccountId } from '../protocol/account-id.ts';
import { accountNamed, namesOf } from './lib/accounts.ts';
import {
  type AdminClient,
  collected,
  networkOf,
  openAdmin,
  warnIfStopped,
} from './lib/admin-client.ts';
import type { Command } from './lib/command.ts';
import { CliError, usageError } from './lib/errors.ts';
import { acknowledgementLines, changedText } from './lib/print.ts';
import { sendDocument } from './lib/signed-document.ts';
import { counted } from './lib/text.ts';

export const command: Command = {
  summary: 'revoke grants for ever',
  arguments: [
    { syntax: '[agent|grant]', summary: 'agent whose grants end, or hash or id of one grant' },
  ],
  options: [{ flags: '--all', summary: 'revoke every grant that you issued so far' }],
  shared: ['gateway', 'signer'],
  examples: ['countersign revoke team/carol --as treasury', 'countersign revoke --all'],
  run: async (session, input) => {
    const { out } = session;
    const text = input.arguments[0];
    if (input.flag('all') === (text !== undefined)) {
      throw usageError(
        'The command needs either an agent or grant, or --all.',
        'Give e.g. `countersign revoke team/carol`; `countersign accounts tree` lists your grants.',
      );
    }
    const admin = await openAdmin(session, 'owner');
    const own = await admin.own();
    const targets = text === undefined ? undefined : await targetsOf(admin, own, text);
    const { chainId } = await networkOf(admin, targets?.[0]?.account ?? own);
    const issuedAt = BigInt(session.now());
    const terms =
      targets === undefined
        ? [{ id: ZERO_HASH, epoch: issuedAt + 1n }]
        : targets.map(({ id }) => ({ id, epoch: 0n }));
    warnIfStopped(admin);
    let changed = false;
    const answers = { acknowledged: new Set<string>(), silent: new Set<string>() };
    for (const { id, epoch } of terms) {
      const revocation = { issuer: admin.self, id, epoch, issuedAt };
      const body = await signRevocation(admin.signer, chainId, revocation);
      const answer = await sendDocument(admin, { method: 'POST', path: '/revocations', body });
      changed ||= answer['changed'] === true;
      for (const name of ['acknowledged', 'silent'] as const) {
        const accounts = answer[name];
        if (Array.isArray(accounts)) for (const each of accounts) answers[name].add(String(each));
      }
    }
    const names = await namesOf(session);
    const acknowledgements = {
      acknowledged: [...answers.acknowledged],
      silent: [...answers.silent],
    };
    const holder = targets?.[0]?.account;
    const what =
      targets === undefined
        ? 'every grant so far'
        : `${counted(targets.length, 'grant')}${holder === undefined ? '' : ` of ${names.of(holder)}`}`;
    out.result({ revoked: terms.map(({ id }) => id), changed, ...acknowledgements }, () =>
      [
        changedText(out, changed, `${what} revoked for ever`),
        ...acknowledgementLines(out, acknowledgements, names),
      ].join('\n'),
    );
  },
};

type Target = { readonly id: Hex; readonly account: AccountId | undefined };

/** The grant with this hash or id, or all live grants of this owner to an agent. @throws CliError if none lives */
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
    // An unregistered grant can be revoked by its id.
    return [{ id: found?.id ?? (named as Hex), account: found?.account }];
  }
  const account = await accountNamed(admin, text);
  const items = (await collected(admin, tree)).filter((item) => item.account === account);
  const live = items.filter(({ status }) => status === 'active' || status === 'offered');
  if (live.length > 0) return live.map(({ id }) => ({ id, account }));
  throw new CliError(
    items.length === 0
      ? `${admin.self} has granted nothing to that account.`
      : 'All grants to that account are revoked or expired.',
    {
      hint: '`countersign accounts tree` lists your grants. Only the issuer of a grant can revoke it.',
      code: items.length === 0 ? 'unknown_grant' : 'already_revoked',
      details: {
        issuer: accountId((await networkOf(admin, account)).network, admin.self),
        account,
      },
    },
  );
};
