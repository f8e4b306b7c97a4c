import { hashDelegation, signDelegation } from '../../client/delegation.ts';
import { type AccountId, parseAccountId } from '../../protocol/account-id.ts';
import { type Hex } from '../../core/hex.ts';
import type { AnswerOf } from '../../management/types.ts';
import type { Input } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import type { Session } from '../lib/session.ts';
import { fields } from '../lib/table.ts';
import { dollars } from '../lib/amounts.ts';
import { networkOf, type AdminClient, openAdmin, warnIfStopped } from '../lib/admin-client.ts';
import { isRefusal } from '../lib/refusal.ts';
import { roomOf, sentence } from '../lib/print.ts';
import { isoTime } from '../lib/times.ts';
import { warningLines } from '../lib/limit-warnings.ts';
import { accountNamed, namesOf } from '../lib/account-names.ts';
import { postDocument } from '../lib/signed-document.ts';
import { termsOf } from './terms.ts';

/** `grant`: the owner's signature that an agent may act for it, within limits. */
export const grant = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const text = input.arguments[0] ?? '';
  const admin = await openAdmin(session, 'owner');
  const account = await accountNamed(admin, text);
  const { chainId, asset, network } = await networkOf(admin, account);
  const delegate = parseAccountId(account)?.address;
  if (delegate === undefined || delegate === admin.self) {
    throw usageError('A grant is for somebody else.', 'Name an agent.');
  }
  const parties = { issuer: admin.self, delegate, audience: admin.gateway, asset };
  const parent =
    input.text('below') === undefined ? await livesOn(admin) : (input.text('below') as Hex);
  const delegation = termsOf({ ...parties, parent }, input, session.now());
  const body = await signDelegation(admin.signer, chainId, delegation);
  const agent = input.flag('consent') ? await session.profile.holder(delegate) : undefined;
  const before = await grantsOf(admin, account);
  warnIfStopped(admin);
  const document = { method: 'PUT', path: '/delegations', body } as const;
  const consent = agent && { signer: await agent.open(), network };
  const { warnings } = await postDocument(admin, document, consent);
  const hash = hashDelegation(chainId, delegation);
  const earlier = before.filter(
    ({ issuer, status }) => status === 'active' && isOwn(admin, issuer),
  );
  const used = earlier.find((held) => held.is_default)?.hash;
  // Calls use the newest grant that the agent consented to, unless the owner passes --beside.
  const keepsUsed = agent !== undefined && input.flag('beside') ? used : undefined;
  if (keepsUsed !== undefined) {
    await admin.call('account.default', { params: { account }, body: { grant: keepsUsed } });
  }
  const standsOn = agent === undefined ? used : (keepsUsed ?? hash);
  const names = await namesOf(session);
  const told = {
    ...{ grant: hash, id: delegation.id, account, consent: agent !== undefined },
    status: agent === undefined ? 'offered' : 'active',
    ...(standsOn === undefined ? {} : { stands_on: standsOn }),
    earlier: earlier.map((held) => held.hash),
    ...(warnings === undefined ? {} : { warnings }),
  };
  out.result({ ...told, delegation: body.delegation }, () =>
    [
      agent === undefined
        ? `${out.style.warn('offered')}  ${out.style.bold(names.of(account))}, which has not consented`
        : `${out.style.good('granted')}  ${out.style.bold(names.of(account))}, who consents`,
      fields(
        [
          ['tools', delegation.tools.join(', ')],
          ['per call', dollars(delegation.maxPerCall)],
          [
            'per day',
            delegation.windowSeconds === 0n ? undefined : dollars(delegation.maxPerWindow),
          ],
          ['in all', dollars(delegation.maxTotal)],
          ['until', isoTime(Number(delegation.validUntil))],
          ['grant', hash],
          ['calls use', standsOn === hash ? 'this grant' : standsOn],
        ],
        out.style.dim,
        roomOf(out),
      ),
      ...warningLines(out, warnings),
      ...(agent === undefined ? ['', sentence(out, OFFERED)] : []),
      ...(agent === undefined || earlier.length === 0 ? [] : ['', sentence(out, EARLIER)]),
    ].join('\n'),
  );
};

const OFFERED =
  "The grant binds nothing, and shows you nothing of the account, until the agent consents: a call of the agent that names the grant does, e.g. `countersign call … --grant <hash>` or createAgent({ authority: '<hash>' }).";

const EARLIER =
  'Earlier grants of yours still live, for calls that name them. `countersign revoke <hash>` ends one; `countersign accounts show` lists them.';

const isOwn = ({ self }: AdminClient, issuer: string): boolean => issuer.endsWith(`:${self}`);

/** The grants that the account has taken, where the issuer may read them. */
const grantsOf = async (
  admin: AdminClient,
  account: AccountId,
): Promise<AnswerOf<'account.get'>['grants']> => {
  try {
    return (await admin.call('account.get', { params: { account } })).body.grants;
  } catch (thrown) {
    if (isRefusal(thrown, 'unknown_account')) return [];
    throw thrown;
  }
};

/** The grant that the issuer itself lives on; an owner lives on none. */
const livesOn = async (admin: AdminClient): Promise<Hex | undefined> =>
  (await grantsOf(admin, await admin.own())).find(
    (held) => held.is_default && held.status === 'active',
  )?.hash;
