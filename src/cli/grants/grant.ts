import { hashDelegation, signDelegation } from '../../client/delegation.ts';
import { type Hex, parseAccountId } from '../../core/account-id.ts';
import type { Input } from '../command.ts';
import { CliError, usageError } from '../errors.ts';
import type { Identity } from '../profile.ts';
import type { Session } from '../session.ts';
import { fields } from '../table.ts';
import { dollars } from '../manage/money.ts';
import { networkOf, type Office, openOffice, whileOrdering } from '../manage/office.ts';
import { isRefusal } from '../manage/refusal.ts';
import { roomOf } from '../manage/show.ts';
import { isoTime } from '../manage/times.ts';
import { warningLines } from '../manage/warnings.ts';
import { accountNamed, namesOf } from '../manage/who.ts';
import { postDocument } from './post.ts';
import { termsOf } from './terms.ts';

/** `grant`: the owner's signature that an agent may act for it, within limits. */
export const grant = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const text = input.arguments[0] ?? '';
  const office = await openOffice(session, 'owner');
  const account = await accountNamed(office, text);
  const { chainId, asset, network } = await networkOf(office, account);
  const delegate = parseAccountId(account)?.address;
  if (delegate === undefined || delegate === office.self) {
    throw usageError('A grant is for somebody else.', 'Name an agent.');
  }
  const parties = { issuer: office.self, delegate, audience: office.gateway, asset };
  const parent =
    input.text('below') === undefined ? await standsOn(office) : (input.text('below') as Hex);
  const delegation = termsOf({ ...parties, parent }, input, session.now());
  const body = await signDelegation(office.signer, chainId, delegation);
  const agent = input.flag('consent') ? await keyOf(session, text) : undefined;
  whileOrdering(office);
  const document = { method: 'PUT', path: '/delegations', body } as const;
  const { warnings } = await postDocument(
    office,
    document,
    agent === undefined ? undefined : { signer: await agent.open(), network },
  );
  const hash = hashDelegation(chainId, delegation);
  // The first of an agent's grants that lives is the one that its calls stand on, unless somebody says otherwise.
  if (input.flag('default'))
    await office.call('account.default', { params: { account }, body: { grant: hash } });
  const names = await namesOf(session);
  const told = {
    ...{ grant: hash, id: delegation.id, account, consent: agent !== undefined },
    ...(warnings === undefined ? {} : { warnings }),
  };
  out.result({ ...told, delegation: body.delegation }, () =>
    [
      `${out.style.good('granted')}  ${out.style.bold(names.of(account))}${agent === undefined ? '' : ', who consents'}`,
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
        ],
        out.style.dim,
        roomOf(out),
      ),
      ...warningLines(out, warnings),
    ].join('\n'),
  );
};

/** An agent's key, where this machine has it: then it consents, and its history is no hindrance. */
const keyOf = async ({ profile }: Session, text: string): Promise<Identity | undefined> => {
  try {
    return await profile.named(text);
  } catch (thrown) {
    if (thrown instanceof CliError && thrown.code === 'unknown_key') return undefined;
    throw thrown;
  }
};

/** The grant that the issuer itself lives on; an owner lives on none. */
const standsOn = async (office: Office): Promise<Hex | undefined> => {
  try {
    const { body } = await office.call('account.get', { params: { account: await office.own() } });
    return body.grants.find((held) => held.is_default && held.status === 'active')?.hash;
  } catch (thrown) {
    if (isRefusal(thrown, 'unknown_account')) return undefined;
    throw thrown;
  }
};
