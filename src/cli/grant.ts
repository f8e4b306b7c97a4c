import { parseAccountId } from '../protocol/account-id.ts';
import { grantsOf, issueGrant } from './grant/issue.ts';
import { fiatOf } from '../protocol/fiat-asset.ts';
import { TERMS } from './grant/terms.ts';
import { accountNamed, namesOf } from './lib/accounts.ts';
import { openAdmin, warnIfStopped } from './lib/admin-client.ts';
import { ACCOUNT, type Command } from './lib/command.ts';
import { CliError } from './lib/errors.ts';
import { limitWarnings, proseWidth, sentence } from './lib/print.ts';
import { fields } from './lib/text.ts';
import { dollars, isoTime } from './lib/units.ts';

export const command: Command = {
  summary: 'let an agent spend, within limits that you sign',
  arguments: [{ ...ACCOUNT, syntax: '<agent>' }],
  options: [
    ...TERMS,
    {
      flags: '--depth <number>',
      summary: 'levels of further grants that the agent may issue, 0 to 3 (default: 0)',
    },
    {
      flags: '--below <hash>',
      summary: 'parent grant to pass on a part of (default: your default grant)',
    },
    { flags: '--beside', summary: 'keep the default grant of the agent; do not replace it' },
    {
      flags: '--no-consent',
      summary: "do not consent with the agent's key, even if this machine holds it",
    },
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign grant team/alice --per-day 1 --as treasury',
    'countersign grant team/alice --total 5 --per-call 0.05 --expires 7d --as treasury',
    "countersign grant research --total 20 --tools 'lookup,search.*' --depth 1",
  ],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, 'owner');
    const account = await accountNamed(admin, input.arguments[0] ?? '');
    const delegate = parseAccountId(account)?.address;
    const agent =
      input.flag('consent') && delegate !== undefined
        ? await session.profile.holder(delegate)
        : undefined;
    const known = await grantsOf(admin, account);
    if (known.status === 'revoked') {
      throw new CliError('That account is permanently revoked: no grant lets it spend again.', {
        hint: 'Grant to another key: `countersign fleet new team --agents 1 --per-day 1` makes an agent with one.',
        code: 'account_revoked',
      });
    }
    const earlier = known.grants.filter(
      ({ issuer, status }) => status === 'active' && issuer.endsWith(`:${admin.self}`),
    );
    warnIfStopped(admin);
    const issued = await issueGrant(admin, account, input, await agent?.open());
    const { hash, delegation, warnings } = issued;
    const consents = agent !== undefined;
    const before = earlier.find((grant) => grant.is_default)?.hash;
    // Calls use the newest grant that the agent consented to. With --beside they keep using the earlier grant.
    const kept = consents && input.flag('beside') ? before : undefined;
    if (kept !== undefined)
      await admin.call('account.default', { params: { account }, body: { grant: kept } });
    const inUse = consents ? (kept ?? hash) : before;
    const names = await namesOf(session);
    const document = {
      ...{ grant: hash, id: delegation.id, account, consent: consents },
      status: consents ? 'active' : 'offered',
      ...(inUse === undefined ? {} : { stands_on: inUse }),
      earlier: earlier.map((grant) => grant.hash),
      ...(warnings === undefined ? {} : { warnings }),
    };
    out.result({ ...document, delegation: issued.document.delegation }, () =>
      [
        consents
          ? `${out.style.good('granted')}  ${out.style.bold(names.of(account))} consents`
          : `${out.style.warn('offered')}  ${out.style.bold(names.of(account))} has not consented`,
        fields(
          [
            ['tools', delegation.tools.join(', ')],
            ['amounts in', fiatOf(delegation.asset)],
            ['per call', dollars(delegation.maxPerCall)],
            [
              'per day',
              delegation.windowSeconds === 0n ? undefined : dollars(delegation.maxPerWindow),
            ],
            ['total', dollars(delegation.maxTotal)],
            ['until', isoTime(Number(delegation.validUntil))],
            ['grant', hash],
            ['calls use', inUse === hash ? 'this grant' : inUse],
          ],
          out.style.dim,
          proseWidth(out),
        ),
        ...limitWarnings(out, warnings),
        ...(consents ? [] : ['', sentence(out, OFFERED)]),
        ...(consents && earlier.length > 0 ? ['', sentence(out, EARLIER)] : []),
      ].join('\n'),
    );
  },
};

const OFFERED =
  "The grant binds nothing, and you cannot see the account, until the agent consents. The agent consents with a call that names the grant: `countersign call … --grant <hash>` or createAgent({ authority: '<hash>' }).";

const EARLIER =
  'Your earlier grants to this agent stay valid for calls that name them. `countersign accounts show` lists them; `countersign revoke <hash>` revokes one.';
